package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/providers/local"
)

// initCommand writes a first policy that fits a repository: exit 0, or 2 when it could not.
func initCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("sluice init", flag.ContinueOnError)
	flags.SetOutput(stderr)
	repo := flags.String("repo", ".", "the git repository, or a folder in it")
	force := flags.Bool("force", false, "replace a policy that is there")
	show := flags.Bool("print", false, "print the policy instead of writing it")
	if err := flags.Parse(args); err != nil {
		return helpOr(err, exitFailed)
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "sluice init: %q is one argument too many; the repository is given with --repo\n", flags.Arg(0))
		return exitFailed
	}
	do := func() error { return writeFirst(ctx, *repo, *force, stdout) }
	if *show {
		do = func() error { return printFirst(ctx, *repo, stdout) }
	}
	if err := do(); err != nil {
		fmt.Fprintln(stderr, "sluice init:", err)
		return exitFailed
	}
	return exitOpen
}

func printFirst(ctx context.Context, dir string, out io.Writer) error {
	text, err := firstPolicy(ctx, dir)
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, text)
	return err
}

// writeFirst writes the policy where it is read from: at the top of the work tree. Links that lead out of the work
// tree are not followed, and a link in the place of the policy is what is there, not where it points.
func writeFirst(ctx context.Context, dir string, force bool, out io.Writer) error {
	text, err := firstPolicy(ctx, dir)
	if err != nil {
		return err
	}
	top, err := workTree(dir)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(top)
	if err != nil {
		return err
	}
	defer root.Close()
	name := policy.Paths[0]
	if there, ok := existing(root); ok {
		if name = there; !force {
			return fmt.Errorf("%s is there already; --force replaces it, --print shows what would be written", filepath.Join(top, name))
		}
		if err := root.Remove(name); err != nil {
			return err
		}
	}
	if err := create(root, name, text); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s\nWritten to %s. Read it, then commit it to the default branch: policy is read from there.\n", text, filepath.Join(top, name))
	return err
}

func create(root *os.Root, name, text string) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.WriteString(f, text)
	return errors.Join(err, f.Close())
}

// workTree is the top of the work tree that dir lies in.
func workTree(dir string) (string, error) {
	at, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for at := at; ; at = filepath.Dir(at) {
		if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil {
			return at, nil
		}
		if filepath.Dir(at) == at {
			return "", fmt.Errorf("%s lies in no work tree to write to; --print shows what would be written", dir)
		}
	}
}

// existing is the policy that a work tree has, if any.
func existing(root *os.Root) (string, bool) {
	for _, p := range policy.Paths {
		name := filepath.FromSlash(p)
		if _, err := root.Lstat(name); err == nil || !errors.Is(err, fs.ErrNotExist) {
			return name, true
		}
	}
	return "", false
}

// firstPolicy looks at HEAD and words what it finds.
func firstPolicy(ctx context.Context, dir string) (string, error) {
	r, err := local.Open(dir)
	if err != nil {
		return "", err
	}
	v, err := r.Look(ctx, "")
	if err != nil {
		return "", err
	}
	defer v.Close()
	return firstWords(&glance{v.Paths, v.Tags, v.Text})
}

// glance is what a first policy is written from: the files of a commit, the tags, and the text of a file, where there is one.
type glance struct {
	Paths []string // sorted
	Tags  []checks.Tag
	Text  func(path string) (text string, ok bool)
}

func firstWords(v *glance) (string, error) {
	text := conventionsOf(v).sayable().words()
	if err := loads(text); err != nil {
		return "", fmt.Errorf("the policy that was worded is not valid, which is a fault in Sluice: %w", err)
	}
	return text, nil
}

func loads(text string) error {
	_, err := policy.Load(policy.Source{Origin: policy.Repository, Name: policy.Paths[0], Text: text})
	return err
}

// sayable leaves out what no policy may say, such as a path with control characters in it. What is left out is found
// by name when changes are judged.
func (c conventions) sayable() conventions {
	if loads(c.words()) == nil {
		return c
	}
	said := conventions{owners: c.owners, systems: c.systems, bots: c.bots, annotated: c.annotated}
	for _, part := range []struct {
		name string
		add  func(*conventions)
	}{
		{"tags", func(s *conventions) { s.tag, s.scheme, s.components = c.tag, c.scheme, c.components }},
		{"changelogs", func(s *conventions) { s.changelogs, s.fragments = c.changelogs, c.fragments }},
		{"environments", func(s *conventions) { s.environments, s.sparse = c.environments, c.sparse }},
		{"exemptions", func(s *conventions) { s.exempt = c.exempt }},
	} {
		more := said
		part.add(&more)
		if loads(more.words()) == nil {
			said = more
			continue
		}
		said.unsaid = append(said.unsaid, part.name)
	}
	return said
}
