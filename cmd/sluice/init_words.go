package main

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sluicegate/sluice/checks/policy"
)

// schemaURL is where editors find the schema of a policy.
const schemaURL = "https://raw.githubusercontent.com/sluicegate/sluice/main/checks/policy/schema.json"

// most of a kind are listed; where there are more, they are left to be found by name.
const most = 30

// words is the policy as YAML, with what was found said beside it.
func (c conventions) words() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# yaml-language-server: $schema=%s\n", schemaURL)
	fmt.Fprintln(&b, "# A first policy, written from what the repository shows. What is left out has its default:")
	fmt.Fprintln(&b, "# `sluice policy check --defaults .sluice.yml` shows every key.")
	if len(c.unsaid) > 0 {
		fmt.Fprintf(&b, "# Left to be found by name, since their names hold what a policy may not say: %s.\n", strings.Join(c.unsaid, ", "))
	}
	fmt.Fprintln(&b, "version: 1")
	c.wordTagging(&b)
	c.wordChangelog(&b)
	c.wordEnvironments(&b)
	c.wordApproval(&b)
	return b.String()
}

func (c conventions) wordTagging(b *strings.Builder) {
	fmt.Fprintln(b, "\ntagging:")
	if c.tag == "" && len(c.components) == 0 && !slices.Contains(c.unsaid, "tags") {
		fmt.Fprintln(b, "  # No release tags yet: these are the defaults.\n  scheme: semver\n  tag: \"v{version}\"")
		return
	}
	if c.tag != "" {
		fmt.Fprintf(b, "  scheme: %s\n  tag: %s\n", scalar(c.scheme), scalar(c.tag))
	}
	if c.tag == "" && len(c.components) == 0 {
		fmt.Fprintln(b, "  bump: inferred")
	}
	if !c.annotated {
		fmt.Fprintln(b, "  annotated: false            # most tags so far are lightweight")
	}
	if len(c.components) > 0 {
		fmt.Fprintln(b, "  components:")
		for _, x := range c.components {
			fmt.Fprintf(b, "    - {name: %s, paths: %s, tag: %s%s}\n", scalar(x.Name), list(x.Paths), scalar(x.Tag), schemeBeside(x, c.scheme))
		}
	}
}

func schemeBeside(x policy.Component, whole string) string {
	if x.Scheme == whole || whole == "" && x.Scheme == "semver" {
		return ""
	}
	return ", scheme: " + scalar(x.Scheme)
}

func (c conventions) wordChangelog(b *strings.Builder) {
	fmt.Fprintln(b, "\nchangelog:")
	switch {
	case c.generated:
		fmt.Fprintln(b, "  mode: advise                # releases write it; enforce once changes add entries of their own")
	case len(c.changelogs)+len(c.fragments) == 0 && !slices.Contains(c.unsaid, "changelogs"):
		fmt.Fprintln(b, "  mode: advise                # nobody keeps one yet; enforce once there is one")
	}
	switch {
	case len(c.changelogs) > 0 && len(c.changelogs) <= most:
		fmt.Fprintf(b, "  files: %s\n", list(c.changelogs))
	case len(c.changelogs) > most:
		fmt.Fprintf(b, "  # %d changelogs were found by name; name some with `files:` to leave the others out.\n", len(c.changelogs))
	case slices.Contains(c.unsaid, "changelogs"):
	case len(c.fragments) == 0:
		fmt.Fprintln(b, "  files: [CHANGELOG.md]       # there is none yet: begin it with `## [Unreleased]`")
	}
	if len(c.fragments) > 0 && len(c.fragments) <= most {
		fmt.Fprintf(b, "  fragments: %s\n", list(c.fragments))
	}
	fmt.Fprintln(b, "  exempt:")
	if len(c.exempt) > 0 {
		fmt.Fprintf(b, "    paths: %s\n", list(c.exempt))
	}
	fmt.Fprintln(b, "    labels: [no-changelog]    # only a label set by somebody with write access counts")
	if len(c.bots) > 0 {
		fmt.Fprintf(b, "    authors: %s\n", list(c.bots))
	}
}

func (c conventions) wordEnvironments(b *strings.Builder) {
	fmt.Fprintln(b, "\nconfig-separation:")
	files := 0
	for _, e := range c.environments {
		files += len(e.Paths)
	}
	mark := "  "
	switch {
	case slices.Contains(c.unsaid, "environments"):
	case files == 0:
		fmt.Fprintln(b, "  # No configuration of environments was found by name. Declare it where there is some:\n  # environments:\n  #   production: [\"deploy/prod/**\"]")
	case files > 4*most:
		fmt.Fprintf(b, "  # %d files of %d environments were found by name.\n", files, len(c.environments))
		files = 0
	case c.sparse:
		fmt.Fprintln(b, "  # These were found by name, beside files that they share. Left to be found, a key in a shared file counts for all;\n  # declared, every environment must have every key itself.")
		mark = "  # "
	}
	if files > 0 {
		fmt.Fprintf(b, "%senvironments:\n", mark)
		for _, e := range c.environments {
			fmt.Fprintf(b, "%s  %s: %s\n", mark, scalar(e.Name), list(e.Paths))
		}
	}
	fmt.Fprintln(b, "  hosts: []                   # host patterns that must never stand in code: \"*.prod.example.com\"")
}

func (c conventions) wordApproval(b *strings.Builder) {
	fmt.Fprintln(b, "\napproval:\n  rules:\n    - {name: peer review, count: 1, from: {permission: write}}")
	if c.owners {
		fmt.Fprintln(b, "    - {name: code owners, from: {codeowners: true}}   # CODEOWNERS says who")
	}
	if len(c.systems) > 0 {
		fmt.Fprintf(b, "\n# CI runs on %s. Where an environment is guarded, name the contexts that must be green:\n# environments: {production: {statuses: [build]}}\n", strings.Join(c.systems, " and "))
	}
}

// scalar writes a string so that YAML reads the same string, on one line.
func scalar(s string) string {
	n := yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	if strings.ContainsAny(s, "{}[],&*#?|<>=!%@\\:\"'` ") || strings.HasPrefix(s, "-") {
		n.Style = yaml.DoubleQuotedStyle
	}
	out, err := yaml.Marshal(&n)
	if err != nil { // a string always marshals
		return `""`
	}
	return strings.TrimSpace(string(out))
}

func list(items []string) string {
	var words []string
	for _, s := range items {
		words = append(words, scalar(s))
	}
	return "[" + strings.Join(words, ", ") + "]"
}
