package policy

import "strings"

// below makes the floor hold only what required: mentions; checks that it does not mention are off in it. Roles are
// looked up in required: first and then in the rest of the organisation's policy.
func (p *Policy) below(whole *Policy) {
	for path, mode := range map[string]*Mode{
		"tagging": &p.Tagging.Mode, "changelog": &p.Changelog.Mode,
		"config-separation": &p.ConfigSeparation.Mode, "approval": &p.Approval.Mode,
	} {
		if !p.Given(path) {
			*mode = Off
		}
	}
	if !p.Given("approval") {
		p.Approval.Rules = nil
	}
	p.roles(whole)
}

// inherit takes from the repository where things are, as far as the floor leaves that open: files, environments, the
// scheme of tags. What would loosen the floor (exemptions, modes, counts, who is left out) is never taken.
func (p *Policy) inherit(own *Policy) {
	if !p.Given("changelog.files") && !p.Given("changelog.fragments") {
		p.Changelog.Files, p.Changelog.Fragments = own.Changelog.Files, own.Changelog.Fragments
		p.borrow(own, "changelog.files", "changelog.fragments")
	}
	if !p.Given("config-separation.environments") {
		p.ConfigSeparation.Environments = own.ConfigSeparation.Environments
		p.borrow(own, "config-separation.environments")
	}
	if !p.Given("tagging.scheme") && !p.Given("tagging.pattern") {
		p.Tagging.Scheme, p.Tagging.Pattern = own.Tagging.Scheme, own.Tagging.Pattern
		p.borrow(own, "tagging.scheme", "tagging.pattern")
	}
	if !p.Given("tagging.tag") && !p.Given("tagging.components") {
		p.Tagging.Tag, p.Tagging.Components = own.Tagging.Tag, own.Tagging.Components
		p.borrow(own, "tagging.tag", "tagging.components")
	}
	if !p.Given("tagging.files") {
		p.Tagging.Files = own.Tagging.Files
		p.borrow(own, "tagging.files")
	}
	p.roles(own)
}

// roles takes the roles that the floor does not define itself.
func (p *Policy) roles(from *Policy) {
	for name, who := range from.Roles {
		if _, ok := p.Roles[name]; !ok {
			if p.Roles == nil {
				p.Roles = map[string]From{}
			}
			p.Roles[name] = who
			p.borrow(from, "roles."+name)
		}
	}
}

// borrow notes where inherited keys stand.
func (p *Policy) borrow(own *Policy, paths ...string) {
	for _, path := range paths {
		for at, w := range own.where {
			if at == path || strings.HasPrefix(at, path+".") || strings.HasPrefix(at, path+"[") {
				p.where[at] = w
			}
		}
	}
}
