package notices

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicegate/sluice/gate"
)

// postOffice is a mail server of a few words. says answers a line with something else than it should; "" is the usual
// answer, and "cut" ends the connection.
type postOffice struct {
	mu    sync.Mutex
	addr  *net.TCPAddr
	says  func(line string) string
	lines []string // commands
	mails []string // as they came
}

func newPostOffice(t *testing.T, says func(line string) string) *postOffice {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return open(t, l, says)
}

func open(t *testing.T, l net.Listener, says func(line string) string) *postOffice {
	t.Helper()
	o := &postOffice{addr: l.Addr().(*net.TCPAddr), says: says}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			open.Go(func() { defer conn.Close(); o.serve(conn) })
		}
	})
	t.Cleanup(func() { l.Close(); open.Wait() })
	return o
}

func (o *postOffice) serve(conn net.Conn) {
	in, data := bufio.NewScanner(conn), []string(nil)
	if first := o.says("CONNECT"); first == "cut" {
		return
	} else if first == "silence" {
		in.Scan() // until the other side has had enough
		return
	}
	fmt.Fprint(conn, "220 here\r\n")
	within := false
	for in.Scan() {
		line := in.Text()
		if within && line != "." {
			data = append(data, strings.TrimPrefix(line, "."))
			continue
		}
		o.mu.Lock()
		o.lines = append(o.lines, line)
		if within {
			o.mails, data = append(o.mails, strings.Join(data, "\n")), nil
		}
		o.mu.Unlock()
		answer := o.says(line)
		word, _, _ := strings.Cut(line, " ")
		switch {
		case answer == "cut":
			return
		case answer != "":
		case within:
			answer = "250 taken"
		case word == "EHLO":
			answer = "250-here\r\n250 AUTH PLAIN LOGIN"
		case word == "DATA":
			answer = "354 go on"
		case word == "QUIT":
			answer = "221 bye"
		default:
			answer = "250 fine"
		}
		within = word == "DATA" && strings.HasPrefix(answer, "354")
		fmt.Fprint(conn, answer+"\r\n")
	}
}

func (o *postOffice) mailer(t *testing.T, user string, o2 Options) (*Sender, string) {
	t.Helper()
	s, err := New(Settings{Targets: fmt.Sprintf("smtp://%s%s/?from=sluice@acme.example&to=a@acme.example&to=b@acme.example", user, o.addr), Events: "all"}, o2)
	if err != nil {
		t.Fatal(err)
	}
	return s, s.Names()[0]
}

func usual(string) string { return "" }

func TestMailIsSentOnceToAll(t *testing.T) {
	t.Parallel()
	o := newPostOffice(t, usual)
	s, target := o.mailer(t, "", Options{})
	if err := s.Tell(t.Context(), target, theNotice); err != nil {
		t.Fatal(err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.mails) != 1 {
		t.Fatalf("%d mails, want one", len(o.mails))
	}
	for _, want := range []string{"\nMessage-ID: <" + theNotice.ID + "@acme.example>", "\nSubject: acme/shop: 1a2b3c4 is live in production", "\nAuto-Submitted: auto-generated",
		"\nAll lines hold.\n", "\nDecision: https://sluice.example/decisions/1\n"} {
		if !strings.Contains("\n"+o.mails[0], want) {
			t.Errorf("the mail lacks %q:\n%s", want, o.mails[0])
		}
	}
	said := strings.Join(o.lines, "\n")
	if !strings.Contains(said, "RCPT TO:<a@acme.example>") || !strings.Contains(said, "RCPT TO:<b@acme.example>") {
		t.Errorf("said:\n%s", said)
	}
}

func TestWhatAMailServerAnswers(t *testing.T) {
	t.Parallel()
	at := func(word, answer string) func(string) string {
		return func(line string) string {
			if strings.HasPrefix(line, word) {
				return answer
			}
			return ""
		}
	}
	for name, c := range map[string]struct {
		says  func(string) string
		final bool
		want  string // of the error
	}{
		"greylisted":                                   {at("RCPT", "450 4.7.1 hunter2 come back"), false, "the mail server answered 450"},
		"no such person":                               {at("RCPT", "550 5.1.1 hunter2 unknown"), true, "the mail server answered 550"},
		"the text is refused":                          {at(".", "554 5.7.1 hunter2 spam"), true, "the mail server answered 554"},
		"the connection is cut":                        {at("MAIL", "cut"), false, "the connection was cut"},
		"the connection is cut at once":                {at("CONNECT", "cut"), false, "the connection was cut"},
		"a bad good-bye is no reason to send it again": {at("QUIT", "cut"), false, ""},
		"a bad end after it was taken is none either":  {at("RSET", "451 hunter2"), false, ""},
		"silence": {at("CONNECT", "silence"), false, "it did not answer within"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newPostOffice(t, c.says)
			patience := 10 * time.Second
			if name == "silence" {
				patience = 50 * time.Millisecond
			}
			s, target := o.mailer(t, "", Options{Patience: patience})
			err := s.Tell(t.Context(), target, theNotice)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) || errors.Is(err, gate.ErrUndeliverable) != c.final {
				t.Errorf("Tell = %v, want %q, final: %t", err, c.want, c.final)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("Tell shows what the server said: %v", err)
			}
		})
	}
}

func TestNoPasswordAndNoNoticeGoesInTheClear(t *testing.T) {
	t.Parallel()
	o := newPostOffice(t, usual)
	s, target := o.mailer(t, "sluice:hunter2@", Options{})
	s.targets[0].post.bare = false // as to another machine
	err := s.Tell(t.Context(), target, theNotice)
	if err == nil || !strings.Contains(err.Error(), "offers no encryption") || errors.Is(err, gate.ErrUndeliverable) {
		t.Errorf("Tell = %v, want that there is no encryption", err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, l := range o.lines {
		if word, _, _ := strings.Cut(l, " "); word != "EHLO" && word != "QUIT" {
			t.Errorf("said %q in the clear", word)
		}
	}
}

func TestAPasswordGoesThroughTLS(t *testing.T) {
	t.Parallel()
	trusted := httptest.NewUnstartedServer(nil)
	trusted.StartTLS()
	t.Cleanup(trusted.Close)
	pool := x509.NewCertPool()
	pool.AddCert(trusted.Certificate())
	for password, want := range map[string]string{"right": "", "wrong": "the mail server answered 535"} {
		l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: trusted.TLS.Certificates})
		if err != nil {
			t.Fatal(err)
		}
		o := open(t, l, func(line string) string {
			if !strings.HasPrefix(line, "AUTH PLAIN ") {
				return ""
			}
			if line == "AUTH PLAIN "+base64.StdEncoding.EncodeToString([]byte("\x00sluice\x00right")) {
				return "235 welcome"
			}
			return "535 5.7.8 no, wrong is not the password"
		})
		s, err := New(Settings{Targets: fmt.Sprintf("smtps://sluice:%s@%s/?from=sluice@acme.example&to=a@acme.example", password, o.addr)},
			Options{MailTLS: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}})
		if err != nil {
			t.Fatal(err)
		}
		err = s.Tell(t.Context(), s.Names()[0], theNotice)
		if (err == nil) != (want == "") || err != nil && err.Error() != want || errors.Is(err, gate.ErrUndeliverable) {
			t.Errorf("with the %s password: %v, want %q", password, err, want)
		}
	}
}
