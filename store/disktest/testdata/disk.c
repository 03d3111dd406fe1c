/* A disk that is slow, full or broken on demand, for one process: loaded before libc, it delays what flushes and refuses what
 * writes below one folder. What it does stands in the file that DISKTEST_CONTROL names, "SYNC-MICROSECONDS ERRNO FOLDER", which
 * it reads again whenever that has changed. It refuses more than a real disk does, which lets what it has room for be written over. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;
static struct timespec read_at;
static long delay;
static int refusal;
static char below[4096];

static void look(void) {
	const char *control = getenv("DISKTEST_CONTROL");
	struct stat st;
	if (!control || stat(control, &st) != 0) return;
	if (st.st_mtim.tv_sec == read_at.tv_sec && st.st_mtim.tv_nsec == read_at.tv_nsec) return;
	FILE *f = fopen(control, "r");
	if (!f) return;
	long d = 0;
	int e = 0;
	char folder[4096] = "";
	if (fscanf(f, "%ld %d %4095s", &d, &e, folder) >= 1) {
		delay = d, refusal = e, read_at = st.st_mtim;
		strcpy(below, folder);
	}
	fclose(f);
}

/* refused says why nothing may be written to this file; 0: it may. */
static int refused(int fd) {
	char name[64], path[4096];
	int why = 0, before = errno;
	pthread_mutex_lock(&held);
	look();
	if (refusal) {
		snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
		ssize_t n = readlink(name, path, sizeof path - 1);
		if (n > 0) {
			path[n] = 0;
			if (strncmp(path, below, strlen(below)) == 0) why = refusal;
		}
	}
	pthread_mutex_unlock(&held);
	errno = before;
	return why;
}

static void slow(void) {
	pthread_mutex_lock(&held);
	look();
	long us = delay;
	pthread_mutex_unlock(&held);
	struct timespec t = {us / 1000000, us % 1000000 * 1000};
	while (us > 0 && nanosleep(&t, &t) != 0 && errno == EINTR) {}
}

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)
#define FLUSH(name) int name(int fd) { REAL(name); slow(); return real(fd); }
#define WRITE(type, name, params, args) type name params { \
	REAL(name); int why = refused(fd); if (why) { errno = why; return -1; } return real args; }
#define RESERVE(name) int name(int fd, off_t at, off_t n) { \
	REAL(name); int why = refused(fd); return why ? why : real(fd, at, n); }

FLUSH(fsync)
FLUSH(fdatasync)
WRITE(ssize_t, write, (int fd, const void *b, size_t n), (fd, b, n))
WRITE(ssize_t, pwrite, (int fd, const void *b, size_t n, off_t at), (fd, b, n, at))
WRITE(ssize_t, pwrite64, (int fd, const void *b, size_t n, off64_t at), (fd, b, n, at))
WRITE(ssize_t, writev, (int fd, const struct iovec *v, int n), (fd, v, n))
WRITE(ssize_t, pwritev, (int fd, const struct iovec *v, int n, off_t at), (fd, v, n, at))
WRITE(ssize_t, pwritev64, (int fd, const struct iovec *v, int n, off64_t at), (fd, v, n, at))
extern int posix_fallocate(int, off_t, off_t);
extern int posix_fallocate64(int, off_t, off_t);
RESERVE(posix_fallocate)
RESERVE(posix_fallocate64)
