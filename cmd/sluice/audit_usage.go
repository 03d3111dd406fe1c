package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/sluicegate/sluice/checks/patterns"
)

const auditUsage = `usage: sluice audit list [--since T] [--until T] [--who LOGIN|ID] [--repo OWNER/NAME] [--check NAME] [--kind KIND] [--newest N] [--json]
       sluice audit verify [--checkpoint FILE --key VERIFIERKEY]... [FILE|-]
       sluice audit export [--since T | --after SEQ]
       sluice audit checkpoint [--key-file FILE]
       sluice audit key [--name NAME] FILE

list shows what was decided, commanded, overridden and found, the newest last.
verify reads the whole log, or an export, and names the first entry that was altered: exit 0 whole, 1 altered, 2 could not look.
  With checkpoints it also proves that nothing before them was rewritten, and nothing up to them cut off.
export writes the log as JSON Lines, from the first entry of that time, or after that number, to the end.
checkpoint verifies the log and signs its end with the key in SLUICE_AUDIT_KEY_FILE. Keep what it prints somewhere else.
key makes a key in FILE, for its owner alone to read, and prints the verifier key that belongs to it.

` + timesAndDatabase

const timesAndDatabase = `T is a time ago (90d, 2w, 36h), a day (2026-03-01, in UTC; --until includes it) or a time (2026-03-01T12:00:00Z).
` + theDatabase

const theDatabase = `The database is the one in SLUICE_DATABASE (sqlite:sluice.db); a server may be running on it.
`

const auditListUsage = `usage: sluice audit list [--since T] [--until T] [--who LOGIN|ID] [--repo OWNER/NAME] [--check NAME] [--kind KIND] [--newest N] [--json]

Shows what was decided, commanded, overridden and found, the newest last.

  --since T          from this time on
  --until T          before this time
  --who LOGIN|ID     by this person: the login of then, or the number that stays
  --repo OWNER/NAME  of this repository alone
  --check NAME       about this check, among others too
  --kind KIND        decision, override, command, policy, release, finding, deployment or outside-the-gate
  --newest N         so many of the newest
  --json             as JSON

` + timesAndDatabase + `Exit: 0 listed; 1 something of it was altered; 2 could not look.
`

const auditVerifyUsage = `usage: sluice audit verify [--checkpoint FILE --key VERIFIERKEY]... [FILE|-]

Reads the whole log, or an export in FILE or from standard input (-), and names the first entry that was altered.

  --checkpoint FILE   the log must also agree with this signed checkpoint, which proves that nothing before it was
                      rewritten, and nothing up to it cut off; may be given several times
  --key VERIFIERKEY   who signed it, as sluice audit key prints it; may be given several times

` + theDatabase + `Exit: 0 whole; 1 altered, cut off or no audit log; 2 could not look.
`

const auditExportUsage = `usage: sluice audit export [--since T | --after SEQ]

Writes the log as JSON Lines to standard output, without gaps to its end.

  --since T    from the first entry of this time on
  --after SEQ  from the entry after this one on

` + timesAndDatabase

const auditCheckpointUsage = `usage: sluice audit checkpoint [--key-file FILE]

Verifies the log and signs its end. Keep what it prints where whoever may write the database may not.

  --key-file FILE  the private key that sluice audit key made; otherwise the one in SLUICE_AUDIT_KEY_FILE

` + theDatabase + `Exit: 0 signed; 1 the log was altered, and nothing is signed; 2 could not sign.
`

const auditKeyUsage = `usage: sluice audit key [--name NAME] FILE

Makes a private key in FILE, for its owner alone to read, and prints the verifier key that belongs to it: write that down
elsewhere. A file that is there is never overwritten; of one with a key in it the verifier key is printed again.

  --name NAME  what the log is called, without spaces and +; otherwise the host of SLUICE_PUBLIC_URL, then /audit
`

// flags begins the options of a command; parse ends them.
func (p process) flags(name string) *flag.FlagSet {
	f := flag.NewFlagSet("sluice "+name, flag.ContinueOnError)
	f.SetOutput(io.Discard) // parse says it in our words
	return f
}

// parse reads the options. Where help was asked for, it was given. What is wrong is one line.
func (p process) parse(f *flag.FlagSet, usage string) (help bool, err error) {
	err = f.Parse(p.args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(p.stdout, usage)
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("%s; `%s --help` tells more", flagProblem(f, err), f.Name())
	}
	return false, nil
}

var flagNamed = patterns.New(`^(flag provided but not defined: |flag needs an argument: |invalid (?:boolean )?value "(?:[^"\\]|\\.)*" for (?:flag )?)-`)

// flagProblem is what the flag package says, with options written as everywhere else, and said in full.
func flagProblem(f *flag.FlagSet, err error) string {
	said := flagNamed.ReplaceAllString(err.Error(), "${1}--")
	if name, unknown := strings.CutPrefix(said, "flag provided but not defined: "); unknown {
		var known []string
		f.VisitAll(func(f *flag.Flag) { known = append(known, "--"+f.Name) })
		return fmt.Sprintf("there is no option %s%s", name, meant(name, known))
	}
	if what, bare := strings.CutSuffix(said, ": parse error"); bare {
		if strings.HasPrefix(said, "invalid boolean") {
			return what + ": want true or false"
		}
		return what + ": want a whole number"
	}
	return said
}
