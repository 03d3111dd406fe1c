package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks/policy"
)

const policyUsage = `usage: sluice policy check [--defaults] [--organisation] [FILE…]
       sluice policy schema
       sluice policy test FILE…
       sluice policy replay --policy FILE [--since 90d]
       sluice policy import policy-bot [--output PATH] FILE

check    says with file, line and column what is wrong in a policy; without FILE, in the one of this folder.
         --defaults      prints all that is in force, each value with where it came from
         --organisation  the file is an organisation's policy, which may say required:
schema   prints the JSON Schema, for editors
test     runs policy tests: facts and the verdicts wanted (see docs/policy-tests.md)
replay   judges recorded facts again under another policy and lists what flips; sluice policy replay --help tells more
import   writes a .sluice.yml that lets through no more than the .policy.yml of policy-bot did (see docs/policy-bot.md);
         what has no counterpart is named with its line. 1: something could only be written as a rule nobody can meet
         --output PATH   writes there, rather than to standard output

FILE may be - for standard input. Exit: 0 all is well, 1 something is wrong, 2 could not look.
`

// policyCommand is `sluice policy`; the result is the exit code.
func policyCommand(_ context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	p := policyRun{stdin: stdin, stdout: stdout, stderr: stderr}
	if len(args) == 0 {
		fmt.Fprint(stderr, policyUsage)
		return exitFailed
	}
	if args[0] == "import" {
		return p.importPolicy(args[1:])
	}
	flags, files, help := splitFlags(args[1:])
	switch {
	case help || args[0] == "help" || args[0] == "--help" || args[0] == "-h":
		fmt.Fprint(stdout, policyUsage)
		return exitOpen
	case args[0] == "check":
		return p.check(flags, files)
	case args[0] == "schema" && len(flags)+len(files) == 0:
		_, err := stdout.Write(policy.Schema())
		return p.failed(err)
	case args[0] == "test" && len(flags) == 0 && len(files) > 0:
		return p.test(files)
	}
	return p.misused(misuse(args[0], flags, files))
}

// misuse says what is wrong with a command line that is none of those above.
func misuse(word string, flags, files []string) string {
	known := []string{"check", "schema", "test", "replay", "import"}
	switch {
	case !slices.Contains(known, word):
		return fmt.Sprintf("there is no %q%s", word, meant(word, known))
	case word == "schema":
		return fmt.Sprintf("schema takes no arguments, and was given %q", append(flags, files...)[0])
	case len(flags) > 0:
		return fmt.Sprintf("%s has no flag %s", word, flags[0])
	}
	return "test wants at least one FILE: a policy test, as docs/policy-tests.md tells, or one that `sluice explain --fixture` wrote"
}

// misused says what is wrong with how the command was called, and how it is.
func (p policyRun) misused(what string) int {
	fmt.Fprintf(p.stderr, "sluice policy: %s\n%s", what, policyUsage)
	return exitFailed
}

// splitFlags parts flags from files, wherever they stand.
func splitFlags(args []string) (flags, files []string, help bool) {
	for i, a := range args {
		switch {
		case a == "--":
			return flags, append(files, args[i+1:]...), help
		case a == "-h" || a == "--help" || a == "-help":
			help = true
		case strings.HasPrefix(a, "-") && a != "-":
			flags = append(flags, "--"+strings.TrimLeft(a, "-"))
		default:
			files = append(files, a)
		}
	}
	return flags, files, help
}

type policyRun struct {
	stdin          io.Reader
	stdout, stderr io.Writer
}

// failed is the exit code for an error that kept us from looking.
func (p policyRun) failed(err error) int {
	if err != nil {
		fmt.Fprintf(p.stderr, "sluice policy: %v\n", err)
		return exitFailed
	}
	return exitOpen
}

func (p policyRun) check(flags, files []string) int {
	for _, f := range flags {
		if known := []string{"--defaults", "--organisation", "--organization"}; !slices.Contains(known, f) {
			return p.failed(fmt.Errorf("check has no flag %s%s", f, meant(f, known)))
		}
	}
	defaults := slices.Contains(flags, "--defaults")
	organisation := slices.Contains(flags, "--organisation") || slices.Contains(flags, "--organization")
	if len(files) == 0 && defaults {
		fmt.Fprint(p.stdout, policy.Render(policy.Defaults()))
		return exitOpen
	}
	if len(files) == 0 {
		found := slices.IndexFunc(policy.Paths, func(path string) bool { _, err := os.Stat(path); return err == nil })
		if found < 0 {
			return p.failed(fmt.Errorf("there is no policy here: looked for %s", strings.Join(policy.Paths, ", ")))
		}
		files = policy.Paths[found : found+1]
	}
	code := exitOpen
	for _, file := range files {
		code = max(code, p.checkFile(file, organisation, defaults))
	}
	return code
}

// checkFile validates one policy.
func (p policyRun) checkFile(file string, organisation, defaults bool) int {
	source, err := p.source(file)
	if err != nil {
		return p.failed(err)
	}
	if organisation || isOrganisation(file) {
		source.Origin = policy.Organisation
	}
	set, err := policy.Load(source)
	var problems policy.Problems
	if errors.As(err, &problems) {
		fmt.Fprintln(p.stdout, problems)
		return exitShut
	}
	if err != nil {
		return p.failed(err)
	}
	if !defaults {
		fmt.Fprintf(p.stdout, "%s: valid\n", source.Name)
		return exitOpen
	}
	for _, layer := range set.Layers {
		if layer.Floor() {
			fmt.Fprint(p.stdout, "# required of every repository:\n", asComment(policy.Render(layer)))
			continue
		}
		fmt.Fprint(p.stdout, policy.Render(layer))
	}
	return exitOpen
}

// asComment makes a text a comment, so that what follows a policy does not become part of it.
func asComment(s string) string {
	return "# " + strings.ReplaceAll(strings.TrimSuffix(s, "\n"), "\n", "\n# ") + "\n"
}

// isOrganisation tells an organisation's policy by its name: sluice.yml at the top of a repository.
func isOrganisation(file string) bool {
	folder := filepath.Base(filepath.Dir(file))
	return filepath.Base(file) == "sluice.yml" && folder != ".github" && folder != ".gitlab"
}

// source reads a policy from a file or from standard input, not past what a policy may hold.
func (p policyRun) source(file string) (policy.Source, error) {
	s := policy.Source{Origin: policy.Given, Name: filepath.ToSlash(file)}
	in := p.stdin
	if file == "-" {
		s.Name = "stdin"
	} else {
		f, err := opened(file, "give the path of one from there, or - for standard input")
		if err != nil {
			return s, err
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, 1<<20+1))
	if err != nil {
		return s, fmt.Errorf("read %s: %w", file, err)
	}
	s.Text = string(text)
	return s, nil
}
