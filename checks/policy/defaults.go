package policy

// Defaults is the policy where nobody wrote one, and what each key is where a policy is silent.
func Defaults() *Policy {
	return &Policy{
		Version: 1,
		Tagging: Tagging{
			Mode: Enforce, Scheme: "semver", Tag: "v{version}", Bump: "inferred", Annotated: true, By: anyWriter(),
		},
		Changelog: Changelog{Mode: Enforce},
		ConfigSeparation: ConfigSeparation{
			Mode: Enforce, Mixing: Advise, BakedIn: Enforce, Parity: Enforce,
		},
		Approval: Approval{
			Mode: Enforce, Rules: []ApprovalRule{defaultRule()}, Exclude: []string{"author", "contributors"},
			Stale: "commit", Unmatched: "pass",
		},
		Override: Override{
			By:     From{Permission: "admin"},
			Checks: []string{"tagging", "changelog", "config-separation", "approval", "freeze"},
			People: 1,
			Lasts:  "commit",
		},
		where: map[string]place{},
	}
}

// anyWriter is who is meant where nobody is named.
func anyWriter() From { return From{Permission: "write"} }

// defaultRule is the rule where a policy has none, and what a rule is where it is silent.
func defaultRule() ApprovalRule {
	return ApprovalRule{Name: "approval", Count: 1, From: anyWriter(), Reviews: "any", Mode: Enforce}
}

// defaultWindow is all of the week.
func defaultWindow() Window {
	return Window{Days: []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}, From: "00:00", To: "24:00", Timezone: "UTC"}
}

// defaultEnvironment guards nothing but who may deploy: what an environment asks for, it names.
func defaultEnvironment(name string) Environment {
	return Environment{
		Name: name, Mode: Enforce, Deploy: "by-request", Deployers: anyWriter(), Lineage: Off, Changes: Off, Release: Off,
		Modes: enforced(), Rollback: "by-request",
	}
}

// enforced is the mode of every line.
func enforced() (m Modes) {
	for _, mode := range m.all() {
		*mode.of = Enforce
	}
	return m
}

// lineMode is the mode of one line, by its name.
type lineMode struct {
	name string
	of   *Mode
}

// all are the modes of the lines, in their order.
func (m *Modes) all() []lineMode {
	return []lineMode{
		{"tagging", &m.Tagging}, {"changelog", &m.Changelog}, {"config-separation", &m.ConfigSeparation}, {"approval", &m.Approval},
		{"statuses", &m.Statuses}, {"after", &m.After}, {"verify", &m.Verify}, {"soak", &m.Soak}, {"window", &m.Window},
		{"freeze", &m.Freeze}, {"lock", &m.Lock}, {"interval", &m.Interval}, {"lineage", &m.Lineage}, {"changes", &m.Changes},
	}
}
