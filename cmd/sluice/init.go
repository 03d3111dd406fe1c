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

	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/providers/local"
)

// initCommand writes a first policy that fits a repository: exit 0, or 2 when it could not.
func initCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("sluice init", flag.ContinueOnError)
	flags.SetOutput(stderr)
	repo := flags.String("repo", ".", "the git repository")
	force := flags.Bool("force", false, "replace a policy that is there")
	print := flags.Bool("print", false, "print the policy instead of writing it")
	if err := flags.Parse(args); err != nil {
		return helpOr(err, exitFailed)
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "sluice init: %q is one argument too many; the repository is given with --repo\n", flags.Arg(0))
		return exitFailed
	}
	if err := writePolicy(ctx, *repo, *force, *print, stdout); err != nil {
		fmt.Fprintln(stderr, "sluice init:", err)
		return exitFailed
	}
	return exitOpen
}

func writePolicy(ctx context.Context, dir string, force, print bool, out io.Writer) error {
	if path, ok := existing(dir); ok && !force && !print {
		return fmt.Errorf("%s is there already; --force replaces it, --print shows what would be written", path)
	}
	text, err := firstPolicy(ctx, dir)
	if err != nil {
		return err
	}
	if print {
		_, err := io.WriteString(out, text)
		return err
	}
	path := filepath.Join(dir, policy.Paths[0])
	mode := os.O_WRONLY | os.O_CREATE | os.O_EXCL // what lies there is not followed when it is a link, nor lost
	if force {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	f, err := os.OpenFile(path, mode, 0o644)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(f, text); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s\nWritten to %s. Read it, then commit it to the default branch: policy is read from there.\n", text, path)
	return err
}

// existing is the policy that a work tree has, if any.
func existing(dir string) (string, bool) {
	for _, p := range policy.Paths {
		path := filepath.Join(dir, filepath.FromSlash(p))
		if _, err := os.Lstat(path); err == nil {
			return path, true
		}
	}
	return "", false
}

// firstPolicy looks at HEAD and words what it finds. What it words is loaded before anybody sees it.
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
	text := conventionsOf(v).words()
	if _, err := policy.Load(policy.Source{Origin: policy.Repository, Name: policy.Paths[0], Text: text}); err != nil {
		return "", fmt.Errorf("the policy that was worded is not valid, which is a fault in Sluice: %w", err)
	}
	return text, nil
}
