package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/sluicegate/sluice/checks/policy/policybot"
)

// importPolicy is `sluice policy import`: another gate's policy, as one of Sluice.
func (p policyRun) importPolicy(args []string) int {
	output, rest, err := takeOutput(args)
	if err != nil {
		return p.failed(err)
	}
	flags, files, help := splitFlags(rest)
	switch {
	case help:
		fmt.Fprint(p.stdout, policyUsage)
		return exitOpen
	case len(flags) > 0:
		return p.failed(fmt.Errorf("import has no flag %s%s", flags[0], meant(flags[0], []string{"--output"})))
	case len(files) == 0:
		return p.misused("import wants to be told what to import, and from which FILE: sluice policy import policy-bot .policy.yml")
	case files[0] != "policy-bot":
		return p.failed(fmt.Errorf("policies of %q cannot be imported%s", files[0], meant(files[0], []string{"policy-bot"})))
	case len(files) != 2:
		return p.failed(fmt.Errorf("import policy-bot wants one FILE, such as .policy.yml"))
	}
	source, err := p.source(files[1])
	if err != nil {
		return p.failed(err)
	}
	return p.imported(source.Name, source.Text, output)
}

// imported writes what came of an import, to a file or to standard output, and what is to be said of it to standard error.
func (p policyRun) imported(name, text, output string) int {
	r, err := policybot.Import(name, text)
	if err != nil {
		return p.failed(fmt.Errorf("import %s: %w", name, err))
	}
	for _, n := range r.Notes {
		fmt.Fprintf(p.stderr, "%s:%d:%d: %s; written instead: %s\n", name, n.Line, n.Column, n.What, n.Instead)
	}
	if r.Closed {
		fmt.Fprintf(p.stderr, "%s: no change can pass the policy that was written, until you mend what nobody can meet in it\n", name)
	}
	switch {
	case r.Policy == "":
	case output == "":
		_, err = fmt.Fprint(p.stdout, r.Policy)
	default:
		err = createNew(output, r.Policy)
	}
	if err != nil {
		return p.failed(err)
	}
	if !r.Whole() {
		return exitShut
	}
	return exitOpen
}

// createNew writes a file that was not there: one that was may ask for more than what is imported does.
func createNew(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// takeOutput parts --output PATH, or --output=PATH, from the other arguments.
func takeOutput(args []string) (output string, rest []string, err error) {
	for i := 0; i < len(args); i++ {
		name, value, given := strings.Cut(args[i], "=")
		switch {
		case args[i] == "--":
			return output, append(rest, args[i:]...), nil
		case name != "--output" && name != "-output":
			rest = append(rest, args[i])
			continue
		case !given && i+1 < len(args):
			i++
			value = args[i]
		}
		if output = value; output == "" {
			return "", nil, fmt.Errorf("--output wants a path")
		}
	}
	return output, rest, nil
}
