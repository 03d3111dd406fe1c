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
	}
}
