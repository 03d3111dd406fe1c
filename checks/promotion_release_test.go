package checks

import (
	"strings"
	"testing"
)

func TestPromotionTagging(t *testing.T) {
	t.Parallel()
	tags := func(list ...Tag) func(*Facts, *Promotion) { return func(f *Facts, p *Promotion) { f.Tags = list } }
	here := func(name string) Tag { return Tag{Name: name, Commit: candidate, Annotated: true} }
	const signed = "tagging: {signed: true}\n"
	runLines(t, "tagging", map[string]lineCase{
		"a valid tag":                      {want: Pass, says: "Carries v1.3.0."},
		"no tag":                           {facts: tags(Tag{Name: "v1.2.0", Commit: living, Annotated: true}), want: Wait, says: "git tag -a v1.3.0 c0ffee0 && git push origin v1.3.0"},
		"no tag, and how to release":       {facts: tags(), want: Wait, says: "/sluice release minor"},
		"a tag elsewhere":                  {facts: tags(Tag{Name: "v1.3.0", Commit: living, Annotated: true}), want: Wait},
		"a lightweight tag":                {facts: tags(Tag{Name: "v1.3.0", Commit: candidate}), want: Wait, says: "lightweight"},
		"a tag that is no version":         {facts: tags(here("v1.x")), want: Wait, says: "malformed"},
		"a tag that is none of a release":  {facts: tags(here("nightly")), want: Wait, says: "carries no release tag"},
		"a tag that moves along":           {facts: tags(here("v1"), here("v1.3.0")), want: Pass, says: "Carries v1.3.0."},
		"an older release":                 {facts: tags(here("v1.3.0"), Tag{Name: "v2.0.0", Commit: living, Annotated: true}), want: Pass},
		"tags that could not be read":      {facts: func(f *Facts, p *Promotion) { f.Tags, f.Gaps = nil, []Gap{{"tags", "GitHub answered 502."}} }, want: Unknown, says: "502"},
		"no release asked for":             {policy: "release: off", facts: tags(), want: Pass, says: "No release is asked for."},
		"a release advised":                {policy: "release: advise", facts: tags(), want: Advise},
		"the line switched off":            {policy: "modes: {tagging: off}", facts: tags(), want: Skip},
		"the line weaker than the release": {policy: "modes: {tagging: observe}", facts: tags(), want: Wait},
	})
	for name, c := range map[string]struct {
		own, floor string
		tag        Tag
		want       Outcome
	}{
		"lightweight, where that will do": {"tagging: {annotated: false}\n" + chain, "", Tag{Name: "v1.3.0", Commit: candidate}, Pass},
		"signed, and verified":            {signed + chain, "", Tag{Name: "v1.3.0", Commit: candidate, Annotated: true, Signature: "valid"}, Pass},
		"signed by a key nobody knows":    {signed + chain, "", Tag{Name: "v1.3.0", Commit: candidate, Annotated: true, Signature: "unknown_key"}, Wait},
		"a signature that was not read":   {signed + chain, "", Tag{Name: "v1.3.0", Commit: candidate, Annotated: true}, Unknown},
		"a signature that is away":        {signed + chain, "", Tag{Name: "v1.3.0", Commit: candidate, Annotated: true, Signature: "unavailable"}, Unknown},
		"lightweight, to be signed":       {"tagging: {signed: true, annotated: false}\n" + chain, "", Tag{Name: "v1.3.0", Commit: candidate}, Wait},
		"a floor that leaves it open":     {"tagging: {annotated: false}\n" + chain, "required: {environments: {production: {release: enforce}}}", Tag{Name: "v1.3.0", Commit: candidate}, Pass},
		"a floor that does not":           {"tagging: {annotated: false}\n" + chain, "required: {tagging: {annotated: true}, environments: {production: {release: enforce}}}", Tag{Name: "v1.3.0", Commit: candidate}, Wait},
		"a floor alone":                   {"tagging: {signed: true}", "required: {environments: {production: {release: enforce}}}", Tag{Name: "v1.3.0", Commit: candidate, Annotated: true}, Unknown},
		"a component's":                   {"tagging: {components: [{name: shop, paths: [src/**]}]}\n" + chain, "", Tag{Name: "shop/v1.3.0", Commit: candidate, Annotated: true}, Pass},
		"of no component":                 {"tagging: {components: [{name: shop, paths: [src/**]}]}\n" + chain, "", Tag{Name: "v1.3.0", Commit: candidate, Annotated: true}, Wait},
		"by the calendar":                 {"tagging: {scheme: 'calver:YYYY.MM.MICRO'}\n" + chain, "", Tag{Name: "v2026.12.0", Commit: candidate, Annotated: true}, Pass},
	} {
		f := promotable()
		f.Tags = []Tag{c.tag}
		if v := JudgePromotion(policies(t, c.own, c.floor), f)[0]; v.Outcome != c.want {
			t.Errorf("%s: tagging = %v %s, want %v", name, v.Outcome, allOfIt(v), c.want)
		}
	}
}

func TestPromotionChangelog(t *testing.T) {
	t.Parallel()
	text := func(path, text string) func(*Facts, *Promotion) {
		return func(f *Facts, p *Promotion) {
			f.Texts[0] = Text{Side: Head, Path: path, Text: text}
			f.Paths[0] = path
		}
	}
	runLines(t, "changelog", map[string]lineCase{
		"a section":                          {want: Pass, says: "Told of in CHANGELOG.md."},
		"no section at a tagged commit":      {facts: text("CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n\n- More.\n\n## [1.2.0] - 2026-11-01\n\n- Less.\n"), want: Fail, says: "CHANGELOG.md has no section for v1.3.0"},
		"no tag":                             {facts: func(f *Facts, p *Promotion) { f.Tags = nil }, want: Wait, says: "/sluice release minor"},
		"a tag that counts for none":         {facts: func(f *Facts, p *Promotion) { f.Tags[0].Annotated = false }, want: Wait},
		"tags that could not be read":        {facts: func(f *Facts, p *Promotion) { f.Tags, f.Gaps = nil, []Gap{{"tags", "x"}} }, want: Unknown},
		"a tree that was not listed":         {facts: func(f *Facts, p *Promotion) { f.Listed = false }, want: Unknown},
		"a tree that could not be listed":    {facts: func(f *Facts, p *Promotion) { f.Gaps = []Gap{{"paths", "GitHub answered 502."}} }, want: Unknown, says: "502"},
		"a changelog that was not read":      {facts: func(f *Facts, p *Promotion) { f.Texts = f.Texts[1:] }, want: Unknown, says: "CHANGELOG.md was not read"},
		"a changelog that could not be read": {facts: func(f *Facts, p *Promotion) { f.Gaps = []Gap{{"text:CHANGELOG.md", "GitHub answered 502."}} }, want: Unknown, says: "502"},
		"a changelog that is a link":         {facts: func(f *Facts, p *Promotion) { f.Texts[0].Text, f.Texts[0].Kind = "", "symlink" }, want: Fail},
		"a changelog at the base alone":      {facts: func(f *Facts, p *Promotion) { f.Texts[0].Side = Base }, want: Unknown},
		"no changelog at all":                {facts: func(f *Facts, p *Promotion) { f.Paths = f.Paths[1:] }, want: Fail, says: "no changelog at the commit"},
		"fragments that tell something":      {facts: text(".changeset/brave-cats-run.md", "---\n\"shop\": minor\n---\n\nMore.\n"), want: Pass, says: "fragments"},
		"fragments that tell nothing":        {facts: text(".changeset/brave-cats-run.md", "---\n---\n"), want: Fail},
		"no release asked for":               {policy: "release: off", facts: func(f *Facts, p *Promotion) { f.Tags = nil }, want: Pass},
		"advised alone":                      {policy: "modes: {changelog: advise}", facts: func(f *Facts, p *Promotion) { f.Paths = f.Paths[1:] }, want: Advise},
		"a release candidate beside the release": {facts: func(f *Facts, p *Promotion) {
			f.Tags = append(f.Tags, Tag{Name: "v1.3.0-rc.1", Commit: candidate, Annotated: true})
		}, want: Pass},
	})
}

func TestPromotionConfiguration(t *testing.T) {
	t.Parallel()
	production := func(text string) func(*Facts, *Promotion) {
		return func(f *Facts, p *Promotion) { f.Texts[2].Text = text }
	}
	runLines(t, "config-separation", map[string]lineCase{
		"complete":                          {want: Pass, says: "2 files compared"},
		"a key is missing":                  {facts: production("url: https://shop\n"), want: Fail, says: "Add retries to config/production.yml"},
		"keys of other environments":        {facts: production("url: https://shop\nretries: 1\nonly: here\n"), want: Pass},
		"many keys are missing":             {facts: func(f *Facts, p *Promotion) { f.Texts[1].Text += "a: 1\nb: 1\nc: 1\nd: 1\ne: 1\nf: 1\n" }, want: Fail, says: "6 keys"},
		"a file that cannot be parsed":      {facts: production("url: [\n"), want: Fail, says: "config/production.yml is"},
		"another's that cannot":             {facts: func(f *Facts, p *Promotion) { f.Texts[1].Text = "url: [\n" }, want: Pass},
		"a link in place of the file":       {facts: func(f *Facts, p *Promotion) { f.Texts[2].Text, f.Texts[2].Kind = "", "symlink" }, want: Fail},
		"a file that was not read":          {facts: func(f *Facts, p *Promotion) { f.Texts = f.Texts[:2] }, want: Unknown, says: "config/production.yml was not read"},
		"a tree that was not listed":        {facts: func(f *Facts, p *Promotion) { f.Listed = false }, want: Unknown},
		"no configuration":                  {facts: func(f *Facts, p *Promotion) { f.Paths = f.Paths[:1] }, want: Pass, says: "No configuration files"},
		"the line advised":                  {policy: "modes: {config-separation: advise}", facts: production(""), want: Advise},
		"the line switched off":             {policy: "modes: {config-separation: off}", facts: production(""), want: Skip},
		"another environment promoted":      {facts: func(f *Facts, p *Promotion) { p.Environment = "development"; production("")(f, p) }, want: Pass},
		"an environment in another case":    {facts: func(f *Facts, p *Promotion) { p.Environment = "PRODUCTION"; production("")(f, p) }, want: Fail},
		"a floor does not repeat the whole": {floor: "required: {environments: {production: {interval: 1h}}}", facts: production("url: https://shop\n"), want: Fail},
	})
	for mode, want := range map[string]Outcome{"enforce": Fail, "advise": Advise, "observe": Fail, "off": Skip} {
		f := promotable()
		f.Texts[2].Text = "url: https://shop\n"
		v := JudgePromotion(policies(t, "config-separation: {parity: "+mode+"}\n"+chain), f)[2]
		if v.Outcome != want || v.Blocks() != (mode == "enforce") {
			t.Errorf("with parity: %s: config-separation = %v (blocks: %v) %s, want %v", mode, v.Outcome, v.Blocks(), v.Reason, want)
		}
	}
	f := promotable()
	f.Texts = nil
	for i := range mostParity {
		f.Paths = append(f.Paths, strings.Repeat("x/", i+1)+"config/production.yml", strings.Repeat("x/", i+1)+"config/development.yml")
	}
	if v := JudgePromotion(policies(t, chain), f)[2]; v.Outcome != Unknown || len(AskForPromotion(policies(t, chain), f).Texts) > 1 {
		t.Errorf("with too many files: config-separation = %v %s, want unknown, and none of them read", v.Outcome, v.Reason)
	}
}
