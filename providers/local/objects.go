package local

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
)

// errMissing says that the repository does not have an object, and why, as far as git tells.
var errMissing = errors.New("the object is missing here")

// errLarge says that an object is larger than was asked for.
var errLarge = errors.New("the object is too large")

// object is one of git's: a commit, a tree, a blob or a tag.
type object struct {
	id, kind string
	data     []byte
}

// objects is one long-lived `git cat-file --batch`. It is not safe for concurrent use.
type objects struct {
	git   *git
	ctx   context.Context // of the reading that this belongs to; the process ends with it
	stop  func()          // of the first git; else nil
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
	said  *tail
	asked []string // in the order that they were asked for ahead, and not answered yet
}

func (o *objects) start() error {
	cmd, said := o.git.command(o.ctx, "cat-file", "--batch"), &tail{}
	cmd.Stderr = said
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("run git cat-file: %w", err)
	}
	o.cmd, o.said, o.in, o.out = cmd, said, in, bufio.NewReaderSize(out, 64<<10)
	return nil
}

// expect asks for objects before they are got, since to wait for each answer takes longer than to give it. They are to
// be got in this order: where one is left out, or git fails, those that are left are asked for anew, one by one.
func (o *objects) expect(ids []string, wanted func(string) bool) {
	if len(o.asked) > 0 || o.cmd == nil && o.start() != nil {
		return
	}
	for _, id := range ids {
		if wanted(id) {
			o.asked = append(o.asked, id)
		}
	}
	if len(o.asked) == 0 {
		return
	}
	in, all := o.in, strings.Join(o.asked, "\n")+"\n"
	go func() { _, _ = io.WriteString(in, all) }() // ends with the process, at the latest
}

func (o *objects) close() {
	o.asked = nil
	if o.cmd != nil {
		_ = o.in.Close()
		_, _ = io.Copy(io.Discard, o.out)
		_ = o.cmd.Wait()
		o.cmd = nil
	}
}

// get reads an object by id or by any name that git knows ("main", "HEAD~2^{commit}"). limit bounds its size in bytes;
// of a larger one the beginning comes with the error.
// In a partial clone git fetches what is missing; where it cannot, it ends, and is started again for the next.
func (o *objects) get(name string, limit int64) (object, error) {
	if name == "" || strings.ContainsAny(name, "\n\r\x00") {
		return object{}, fmt.Errorf("%w: no object is called %q", errMissing, name)
	}
	if len(o.asked) > 0 && o.asked[0] != name {
		o.close()
	}
	if o.cmd == nil {
		if err := o.start(); err != nil {
			return object{}, err
		}
	}
	x, err := o.ask(name, limit)
	if err == nil || errors.Is(err, errMissing) || errors.Is(err, errLarge) {
		return x, err
	}
	o.close()
	if o.ctx.Err() != nil {
		return object{}, o.ctx.Err()
	}
	if said := o.said.String(); said != "" {
		return object{}, fmt.Errorf("%w: %s", errMissing, said)
	}
	return object{}, fmt.Errorf("git cat-file: %w", err)
}

func (o *objects) ask(name string, limit int64) (object, error) {
	if len(o.asked) > 0 && o.asked[0] == name {
		o.asked = o.asked[1:]
	} else if _, err := io.WriteString(o.in, name+"\n"); err != nil {
		return object{}, err
	}
	header, err := o.out.ReadString('\n')
	if err != nil {
		return object{}, err
	}
	header = strings.TrimSuffix(header, "\n")
	if rest, ok := strings.CutPrefix(header, name+" "); ok && (rest == "missing" || rest == "ambiguous") {
		return object{}, fmt.Errorf("%w: %s is %s", errMissing, name, rest)
	}
	fields := strings.Fields(header)
	if len(fields) != 3 {
		return object{}, fmt.Errorf("git cat-file answered %q", header)
	}
	size, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil || size < 0 {
		return object{}, fmt.Errorf("git cat-file answered %q", header)
	}
	x := object{id: fields[0], kind: fields[1]}
	if size > limit {
		x.data = make([]byte, min(size, 8000)) // enough to tell text from binary
		if _, err := io.ReadFull(o.out, x.data); err != nil {
			return object{}, err
		}
		if _, err := io.CopyN(io.Discard, o.out, size+1-int64(len(x.data))); err != nil {
			return object{}, err
		}
		return x, fmt.Errorf("%w: %s has %d bytes", errLarge, name, size)
	}
	x.data = make([]byte, size)
	if _, err := io.ReadFull(o.out, x.data); err != nil {
		return object{}, err
	}
	_, err = o.out.Discard(1)
	return x, err
}
