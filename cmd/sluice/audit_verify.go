package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sluicegate/sluice/gate/audit"
)

// listFlag is an option that may be given several times.
type listFlag []string

func (l *listFlag) String() string     { return "" }
func (l *listFlag) Set(s string) error { *l = append(*l, s); return nil }

func auditVerify(ctx context.Context, p process) (int, error) {
	var files, keys listFlag
	flags := p.flags("audit verify")
	flags.Var(&files, "checkpoint", "")
	flags.Var(&keys, "key", "")
	if help, err := p.parse(flags, auditVerifyUsage); help || err != nil {
		return exitOpen, err
	}
	if flags.NArg() > 1 {
		return 0, fmt.Errorf("verify takes options and then one file, or - for the standard input; `sluice audit --help` tells more")
	}
	marks, err := readCheckpoints(files, keys)
	if err != nil {
		return 0, err
	}
	c := &audit.Chain{Part: flags.NArg() == 1}
	c.Expect(marks...)
	if err := verifyWhat(ctx, p, flags, c); err != nil {
		var fault *audit.Fault
		if !errors.As(err, &fault) {
			return 0, err
		}
		fmt.Fprintln(p.stdout, fault)
		return exitShut, nil
	}
	return exitOpen, writeVerified(p.stdout, c, len(marks))
}

// verifyWhat reads the database, a file or the standard input.
func verifyWhat(ctx context.Context, p process, flags *flag.FlagSet, c *audit.Chain) error {
	switch name := flags.Arg(0); name {
	case "":
		if flags.NArg() == 1 {
			return errors.New("the name of the file is empty")
		}
		s, err := beside(ctx, p)
		if err != nil {
			return err
		}
		defer s.Close()
		return s.VerifyAudit(ctx, c)
	case "-":
		return verifyExport(p.stdin, c)
	default:
		f, err := opened(name, "give what `sluice audit export` wrote, or no file to verify the database")
		if err != nil {
			return err
		}
		defer f.Close()
		return verifyExport(f, c)
	}
}

// verifyExport reads JSON Lines. Every line counts, an empty one too; only the end of the last may be missing.
func verifyExport(r io.Reader, c *audit.Chain) error {
	lines := bufio.NewReaderSize(r, audit.LineBytes)
	for {
		line, err := lines.ReadSlice('\n')
		if err != nil && err != io.EOF && err != bufio.ErrBufferFull { //nolint:errorlint // both come bare
			return fmt.Errorf("read the export: %w", err)
		}
		if err == io.EOF && len(line) == 0 { //nolint:errorlint // it comes bare
			return c.Close()
		}
		if err == io.EOF { //nolint:errorlint // it comes bare
			if err := c.Last(string(line)); err != nil {
				return err
			}
			return c.Close()
		}
		// A line that is longer than any can be is cut, and then it does not end in its hash.
		if err := c.Line(strings.TrimSuffix(string(line), "\n")); err != nil {
			return err
		}
	}
}

func writeVerified(w io.Writer, c *audit.Chain, marks int) error {
	end := c.End()
	n := end.Seq - c.First() + 1
	switch {
	case c.First() == 0:
		fmt.Fprintln(w, "Whole: 0 entries.")
	case c.First() > 1:
		fmt.Fprintf(w, "Whole: %d entries, from %d to %d, whose hash is %s.\nIt begins after entry %d: what came before is not in it.\n", n, c.First(), end.Seq, end.Hash, c.First()-1)
	default:
		fmt.Fprintf(w, "Whole: %d entries, of which the last has the hash %s.\n", n, end.Hash)
	}
	if marks == 0 {
		_, err := fmt.Fprintln(w, "Only a checkpoint can tell whether more was there, or all of it was written anew: see `sluice audit checkpoint`.")
		return err
	}
	_, err := fmt.Fprintf(w, "It agrees with %d signed checkpoint(s).\n", marks)
	return err
}

// readCheckpoints reads signed checkpoints. What none of the keys has signed proves nothing, and is an error.
func readCheckpoints(files, keys []string) ([]audit.Checkpoint, error) {
	if (len(files) > 0) != (len(keys) > 0) {
		return nil, errors.New("--checkpoint and --key go together: a checkpoint proves something to whoever has the key of its signer from elsewhere")
	}
	var verifiers []note.Verifier
	for _, k := range keys {
		v, err := note.NewVerifier(strings.TrimSpace(k))
		if err != nil {
			return nil, fmt.Errorf("--key: it is not a verifier key as `sluice audit key` prints it: %w", err)
		}
		verifiers = append(verifiers, v)
	}
	var marks []audit.Checkpoint
	for _, name := range files {
		message, err := readSmall(name, "give what `sluice audit checkpoint` printed")
		if err != nil {
			return nil, fmt.Errorf("--checkpoint: %w", err)
		}
		c, err := audit.ReadCheckpoint(message, verifiers...)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		marks = append(marks, c)
	}
	return marks, nil
}

// readSmall reads a file that holds a key or a note.
func readSmall(name, cure string) ([]byte, error) {
	f, err := opened(name, cure)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	const most = 1 << 20
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && len(b) > most {
		err = fmt.Errorf("%s: it is larger than 1 MB", name)
	}
	return b, err
}

// signer reads the key that checkpoints are signed with; nil when none is set. from is where the name of the file was given.
func signer(from, file string) (note.Signer, error) {
	if file == "" {
		return nil, nil
	}
	text, err := readSmall(file, fmt.Sprintf("`sluice audit key %s` makes a key there", file))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from, err)
	}
	s, err := audit.Signer(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", from, file, err)
	}
	return s, nil
}

func auditCheckpoint(ctx context.Context, p process) (int, error) {
	flags := p.flags("audit checkpoint")
	file := flags.String("key-file", p.getenv("SLUICE_AUDIT_KEY_FILE"), "")
	if help, err := p.parse(flags, auditCheckpointUsage); help || err != nil {
		return exitOpen, err
	}
	if flags.NArg() > 0 {
		return 0, errors.New("checkpoint takes --key-file alone, and writes to the standard output")
	}
	from := "SLUICE_AUDIT_KEY_FILE"
	flags.Visit(func(f *flag.Flag) {
		if f.Name == "key-file" {
			from = "--key-file"
		}
	})
	key, err := signer(from, *file)
	if err != nil {
		return 0, err
	}
	if key == nil {
		return 0, errors.New("there is no key to sign with: make one with `sluice audit key FILE`, and set SLUICE_AUDIT_KEY_FILE or give --key-file")
	}
	s, err := beside(ctx, p)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	message, err := (&notary{verify: s.VerifyAudit, key: key, now: time.Now}).checkpoint(ctx)
	var fault *audit.Fault
	if errors.As(err, &fault) {
		return exitShut, fmt.Errorf("nothing is signed, since the log was altered: %w", err)
	}
	if err != nil {
		return 0, err
	}
	_, err = p.stdout.Write(message)
	return exitOpen, err
}

func auditKey(_ context.Context, p process) (int, error) {
	flags := p.flags("audit key")
	name := flags.String("name", logName(p.getenv("SLUICE_PUBLIC_URL")), "")
	if help, err := p.parse(flags, auditKeyUsage); help || err != nil {
		return exitOpen, err
	}
	if flags.NArg() != 1 || flags.Arg(0) == "" {
		return 0, errors.New("key takes the name of the file that shall hold the private key")
	}
	private, public, err := audit.NewKey(*name)
	if err != nil {
		return 0, err
	}
	f, err := os.OpenFile(flags.Arg(0), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, os.ErrExist): // it is never overwritten, and says again what belongs to it
		text, err := readSmall(flags.Arg(0), "try again")
		if err == nil {
			public, err = audit.PublicKey(text)
		}
		if err != nil {
			return 0, fmt.Errorf("%s is there already: %w", flags.Arg(0), err)
		}
		fmt.Fprintln(p.stderr, flags.Arg(0), "is there already; this is the verifier key that belongs to it:")
	case err != nil:
		return 0, err
	default:
		_, err := fmt.Fprintln(f, private)
		if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
			return 0, err
		}
	}
	_, err = fmt.Fprintln(p.stdout, public)
	return exitOpen, err
}

// logName names a log by where it is reached, without a scheme, as names of keys should be.
func logName(public string) string {
	u, err := url.Parse(public)
	if err != nil || u.Host == "" {
		return "sluice/audit"
	}
	return strings.ReplaceAll(u.Host+strings.TrimSuffix(u.EscapedPath(), "/"), "+", "%2B") + "/audit"
}
