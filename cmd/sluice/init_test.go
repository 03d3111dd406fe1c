package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// conventional is a repository with conventions of its own, and what `sluice init` has to make of them.
type conventional struct {
	files map[string]string
	tags  []string
	light []string          // lightweight tags
	want  []string          // lines of the policy, trimmed
	never []string          // what it must not say
	next  map[string]string // a change that follows the conventions: the changelog check passes it
}

func TestInitFindsTheConventionsOfARepository(t *testing.T) {
	t.Parallel()
	for name, c := range conventionalRepositories() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRepository(t)
			r.commit("feat: a shop", c.files)
			r.tag(c.tags...)
			for _, l := range c.light {
				r.git("tag", l)
			}
			if got := sluice(t, "", "init", "--repo", r.dir); got.code != exitOpen || !strings.Contains(got.out, "Written to ") {
				t.Fatalf("init = %+v, want 0", got)
			}
			path := filepath.Join(r.dir, ".sluice.yml")
			if got := sluice(t, "", "policy", "check", path); got.code != exitOpen {
				t.Fatalf("policy check = %+v, want 0", got)
			}
			policy, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			lines := map[string]bool{}
			for l := range strings.Lines(string(policy)) {
				lines[strings.TrimSpace(l)] = true
			}
			for _, want := range c.want {
				if !lines[want] {
					t.Errorf("the policy lacks the line %q:\n%s", want, policy)
				}
			}
			for _, never := range c.never {
				if strings.Contains(string(policy), never) {
					t.Errorf("the policy says %q:\n%s", never, policy)
				}
			}
			r.follow(c.next)
		})
	}
}

// follow makes a change that tells nobody, which the changelog check fails (or mentions, where it is advice), and one that keeps to the conventions.
func (r *repository) follow(next map[string]string) {
	r.tb.Helper()
	base := r.commit("chore: guard with Sluice", nil)
	r.commit("feat: gift cards", map[string]string{"lib/gift.txt": "gift\n", "packages/cart/gift.txt": "gift\n"})
	if got := sluice(r.tb, "", "check", "--repo", r.dir, "--base", base); !strings.Contains(got.out, "\nfail      changelog") && !strings.Contains(got.out, "\nunknown   changelog") &&
		!strings.Contains(got.out, "\nadvise    changelog") {
		r.tb.Errorf("check of a change that tells nobody = %+v, want the changelog to say so", got)
	}
	r.commit("docs: tell", next)
	if got := sluice(r.tb, "", "check", "--repo", r.dir, "--base", base); got.code != exitOpen || !strings.Contains(got.out, "\npass      changelog") {
		r.tb.Errorf("check of a change that keeps to the conventions = %+v, want open", got)
	}
}

func conventionalRepositories() map[string]conventional {
	return map[string]conventional{
		"Keep a Changelog and v tags": {
			files: map[string]string{"CHANGELOG.md": kept, "docs/changelog.md": "--8<-- \"CHANGELOG.md\"\n", "docs/source/changes.rst": ".. include:: ../../CHANGELOG.md\n",
				".github/workflows/ci.yml": "on: push\n", ".github/dependabot.yml": "version: 2\n", "shop_test.go": "package shop\n", "CODEOWNERS": "* @acme/shop\n"},
			tags: []string{"v1.1.0", "v1.2.0"},
			want: []string{"scheme: semver", `tag: "v{version}"`, "files: [CHANGELOG.md]", `paths: ["**/*_test.go", ".github/**", "docs/**"]`, `authors: ["dependabot[bot]"]`,
				"- {name: code owners, from: {codeowners: true}}   # CODEOWNERS says who",
				"# CI runs on GitHub Actions. Where an environment is guarded, name the contexts that must be green:"},
			never: []string{"fragments", "components", "annotated: false"},
			next:  map[string]string{"CHANGELOG.md": keptWithEntry},
		},
		"calendar versions, lightweight": {
			files: map[string]string{"NEWS.rst": "News\n====\n\nUnreleased\n----------\n\n2026.1.0 (2026-01-01)\n---------------------\n\n- A basket.\n"},
			light: []string{"2025.10.0", "2025.11.0", "2025.12.0", "2026.1.0"},
			want:  []string{"files: [NEWS.rst]", `tag: "{version}"`, "annotated: false            # most tags so far are lightweight"},
			never: []string{"scheme: semver", "# No release tags yet"},
			next:  map[string]string{"NEWS.rst": "News\n====\n\nUnreleased\n----------\n\n- Gift cards.\n\n2026.1.0 (2026-01-01)\n---------------------\n\n- A basket.\n"},
		},
		"towncrier, right after a release": {
			files: map[string]string{"pyproject.toml": "[project]\nname = \"shop\"\nversion = \"1.2.0\"\n\n[tool.towncrier]\ndirectory = \"docs/newsfragments\"\nfilename = \"docs/whats-up.rst\"\n",
				"docs/whats-up.rst": "1.2.0 (2026-01-01)\n==================\n\n- A basket.\n", "docs/newsfragments/README.rst": "How to write one.\n"},
			tags: []string{"1.2.0"},
			want: []string{`fragments: ["docs/newsfragments/*"]`, `files: [docs/whats-up.rst]`, `tag: "{version}"`},
			next: map[string]string{"docs/newsfragments/12.feature.rst": "Gift cards.\n"},
		},
		"towncrier of a package": {
			files: map[string]string{"towncrier.toml": "[tool.towncrier]\npackage = \"shop.core\"\npackage_dir = \"src\"\n", "NEWS.rst": "1.2.0 (2026-01-01)\n==================\n\n- A basket.\n"},
			want:  []string{`fragments: ["src/shop/core/newsfragments/*"]`},
			next:  map[string]string{"src/shop/core/newsfragments/12.feature": "Gift cards.\n"},
		},
		"scriv": {
			files: map[string]string{"setup.cfg": "[metadata]\nname = shop\ndescription =\n    two\n    lines\n\n[tool:scriv]\nformat = md\n", "CHANGELOG.md": kept, "changelog.d/.gitkeep": ""},
			want:  []string{`fragments: ["changelog.d/*.md"]`},
			next:  map[string]string{"changelog.d/20260102_ana.md": "### Added\n\n- Gift cards.\n"},
		},
		"scriv, with settings of its own": {
			files: map[string]string{"changelog.d/scriv.ini": "# ours\n[scriv]\nfragment_directory = news\nformat: md\nchangelog = HISTORY.${config:format}\n", "HISTORY.md": kept, "news/.gitkeep": ""},
			want:  []string{`fragments: ["news/*.md"]`, `files: [HISTORY.md]`},
			next:  map[string]string{"news/20260102_ana.md": "### Added\n\n- Gift cards.\n"},
		},
		"scriv, as it comes": {
			files: map[string]string{"tox.ini": "[tox]\nenvlist = py3\n\n[tool:scriv]\n", "CHANGELOG.md": kept, "changelog.d/.gitkeep": ""},
			want:  []string{`fragments: ["changelog.d/*.rst"]`},
			next:  map[string]string{"changelog.d/20260102_ana.rst": "Added\n-----\n\n- Gift cards.\n"},
		},
		"changie": {
			files: map[string]string{".changie.yaml": "changesDir: .changes\nunreleasedDir: unreleased\nchangelogPath: CHANGELOG.md\n", "CHANGELOG.md": "# Changelog\n\n## v1.2.0 - 2026-01-01\n\n* A basket.\n",
				".changes/v1.2.0.md": "## v1.2.0 - 2026-01-01\n\n* A basket.\n"},
			light: []string{"v1.2.0"},
			want:  []string{`fragments: [".changes/unreleased/*.yaml"]`},
			next:  map[string]string{".changes/unreleased/Added-20260102.yaml": "kind: Added\nbody: Gift cards.\n"},
		},
		"a monorepo with Changesets": {
			files: map[string]string{".changeset/config.json": "{}\n", ".changeset/README.md": "# Changesets\n", "package.json": "{\"private\": true}\n",
				"packages/cart/package.json": "{\"name\": \"@acme/cart\", \"version\": \"1.2.0\"}\n", "packages/cart/CHANGELOG.md": "# @acme/cart\n\n## 1.2.0\n\n### Minor Changes\n\n- abc: A basket.\n",
				"packages/pay-ui/package.json": "{\"name\": \"@acme/pay\", \"version\": \"2.0.0\"}\n", "packages/pay-ui/CHANGELOG.md": "# @acme/pay\n\n## 2.0.0\n\n### Major Changes\n\n- abd: Cards.\n",
				"packages/mail/package.json": "{\"name\": \"@acme/mail\", \"version\": \"0.3.0\"}\n", "packages/mail/CHANGELOG.md": "# @acme/mail\n\n## 0.3.0\n\n### Minor Changes\n\n- abe: Mail.\n"},
			tags: []string{"@acme/cart@1.1.0", "@acme/cart@1.2.0", "@acme/pay@2.0.0", "@acme/mail@0.3.0", "cart@1.0.0"},
			want: []string{`files: ["packages/*/CHANGELOG.md"]`, `fragments: [".changeset/*.md"]`,
				`- {name: "@acme/cart", paths: ["packages/cart/**"], tag: "@acme/cart@{version}"}`,
				`- {name: "@acme/pay", paths: ["packages/pay-ui/**"], tag: "@acme/pay@{version}"}`},
			never: []string{"name: cart", "# No release tags yet"},
			next:  map[string]string{".changeset/brave-cats.md": "---\n\"@acme/cart\": minor\n---\n\nGift cards.\n"},
		},
		"the repository's own name in its tags": {
			files: map[string]string{"shop/pyproject.toml": "[project]\nname = \"shop\"\n", "CHANGELOG.md": kept},
			tags:  []string{"shop-1.1.0", "shop-1.2.0"},
			want:  []string{`tag: "shop-{version}"`},
			never: []string{"components"},
			next:  map[string]string{"CHANGELOG.md": keptWithEntry},
		},
		"a folder named like an old prefix is no component": {
			files: map[string]string{"shop/index.txt": "x\n", "CHANGELOG.md": kept},
			tags:  []string{"shop-0.9.0", "v1.1.0", "v1.2.0"},
			want:  []string{`tag: "v{version}"`},
			never: []string{"components"},
			next:  map[string]string{"CHANGELOG.md": keptWithEntry},
		},
		"a Go module beside the main one": {
			files: map[string]string{"go.mod": "module acme.example/shop\n", "sdk/go.mod": "module acme.example/shop/sdk\n", "CHANGELOG.md": kept},
			tags:  []string{"v1.1.0", "v1.2.0", "sdk/v0.4.0"},
			want:  []string{`tag: "v{version}"`, `- {name: sdk, paths: ["sdk/**"], tag: "sdk/v{version}"}`},
			next:  map[string]string{"CHANGELOG.md": keptWithEntry},
		},
		"environments of many kinds": {
			files: map[string]string{"CHANGELOG.md": kept, "Jenkinsfile": "pipeline {}\n", ".gitlab-ci.yml": "stages: []\n", ".circleci/config.yml": "version: 2\n",
				"terraform/dev.tfvars": "size = 1\n", "terraform/prod.tfvars": "size = 3\n",
				".env.development": "URL=http://localhost\n", ".env.production": "URL=https://shop.acme.internal\n",
				"deploy/dev/a.yaml": "a: 1\n", "deploy/dev/b.yaml": "b: 1\n", "deploy/prod/a.yaml": "a: 2\n", "deploy/prod/b.yaml": "b: 2\n"},
			want: []string{`development: [.env.development, "deploy/dev/*.yaml", terraform/dev.tfvars]`, `production: [.env.production, "deploy/prod/*.yaml", terraform/prod.tfvars]`,
				"# CI runs on CircleCI and GitLab CI and Jenkins. Where an environment is guarded, name the contexts that must be green:"},
			next: map[string]string{"CHANGELOG.md": keptWithEntry},
		},
		"environments that share a base": {
			files: map[string]string{"CHANGELOG.md": kept, "src/main/resources/application.yml": "a: 1\nb: 2\n", "src/main/resources/application-dev.yml": "a: 2\n",
				"src/main/resources/application-prod.yml": "b: 3\n", "chart/values.yaml": "a: 1\n", "chart/values-dev.yaml": "{}\n", "chart/values-prod.yaml": "a: 3\n"},
			want: []string{"# environments:", "#   development: [chart/values-dev.yaml, src/main/resources/application-dev.yml]"},
			next: map[string]string{"CHANGELOG.md": keptWithEntry},
		},
		"nothing of the kind": {
			files: map[string]string{"main.c": "int main(void) { return 0; }\n"},
			want:  []string{"# No release tags yet: these are the defaults.", "mode: advise                # nobody keeps one yet; enforce once there is one", "files: [CHANGELOG.md]       # there is none yet: begin it with `## [Unreleased]`"},
			next:  map[string]string{"CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- Gift cards.\n"},
		},
		"a changelog that releases write": {
			files: map[string]string{"package.json": "{\"name\": \"shop\", \"version\": \"1.2.0\"}\n", "CHANGELOG.md": "# Changelog\n\n" +
				"## [1.2.0](https://github.com/acme/shop/compare/v1.1.0...v1.2.0) (2026-01-15)\n\n\n### Features\n\n* a basket ([abc1234](https://github.com/acme/shop/commit/abc1234))\n\n" +
				"## [1.1.0](https://github.com/acme/shop/compare/v1.0.0...v1.1.0) (2026-01-10)\n\n\n### Bug Fixes\n\n* the total ([abc1235](https://github.com/acme/shop/commit/abc1235))\n"},
			tags: []string{"v1.2.0"},
			want: []string{"mode: advise                # releases write it; enforce once changes add entries of their own"},
			next: map[string]string{"CHANGELOG.md": "# Changelog\n\n## Unreleased\n\n### Features\n\n* gift cards\n\n" +
				"## [1.2.0](https://github.com/acme/shop/compare/v1.1.0...v1.2.0) (2026-01-15)\n\n\n### Features\n\n* a basket ([abc1234](https://github.com/acme/shop/commit/abc1234))\n\n" +
				"## [1.1.0](https://github.com/acme/shop/compare/v1.0.0...v1.1.0) (2026-01-10)\n\n\n### Bug Fixes\n\n* the total ([abc1235](https://github.com/acme/shop/commit/abc1235))\n"},
		},
		"names that are patterns and YAML": {
			files: map[string]string{"CHANGELOG.md": kept, "a[1]: {x}/CHANGELOG.md": kept, "config/[x]*/production.yml": "a: 1\n", "config/[x]*/development.yml": "a: 1\n"},
			tags:  []string{"v1.2.0"},
			next:  map[string]string{"CHANGELOG.md": keptWithEntry},
		},
	}
}

func TestInitRefusesToLoseAPolicy(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	r.commit("feat: a shop", map[string]string{"CHANGELOG.md": kept, ".github/sluice.yml": "version: 1\n", "sub/x.txt": "x\n"})
	at := filepath.Join(r.dir, ".github", "sluice.yml")
	if got := sluice(t, "", "init", "--repo", r.dir); got.code != exitFailed || !strings.Contains(got.errors, "sluice.yml is there already; --force replaces it") {
		t.Errorf("init = %+v, want 2 and the way out", got)
	}
	if got := sluice(t, "", "init", "--repo", r.dir, "--print"); got.code != exitOpen || !strings.HasPrefix(got.out, "# yaml-language-server") || strings.Contains(got.out, "Written") {
		t.Errorf("init --print = %+v, want the policy", got)
	}
	if text := read(t, at); text != "version: 1\n" {
		t.Errorf("the policy is %q now, want it untouched", text)
	}
	if got := sluice(t, "", "init", "--repo", filepath.Join(r.dir, "sub"), "--force"); got.code != exitOpen || !strings.Contains(read(t, at), "changelog:") {
		t.Errorf("init --force in a folder = %+v, want the policy replaced where it was", got)
	}
	if _, err := os.Lstat(filepath.Join(r.dir, ".sluice.yml")); err == nil {
		t.Error("there are two policies now")
	}
}

func TestInitFollowsNoLink(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	r.commit("feat: a shop", map[string]string{"CHANGELOG.md": kept})
	outside := filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(outside, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{outside, filepath.Join(t.TempDir(), "dangling")} {
		link := filepath.Join(r.dir, ".sluice.yml")
		_ = os.Remove(link)
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
		if got := sluice(t, "", "init", "--repo", r.dir); got.code != exitFailed {
			t.Errorf("init where .sluice.yml is a link = %+v, want 2", got)
		}
		if got := sluice(t, "", "init", "--repo", r.dir, "--force"); got.code != exitOpen {
			t.Errorf("init --force where .sluice.yml is a link = %+v, want 0", got)
		}
		if info, err := os.Lstat(link); err != nil || !info.Mode().IsRegular() {
			t.Errorf("what is at .sluice.yml now: %v, %v; want a file", info, err)
		}
	}
	if text := read(t, outside); text != "precious" {
		t.Errorf("what the link pointed to is %q now", text)
	}
}

func TestInitSaysWhyItCannot(t *testing.T) {
	t.Parallel()
	full := newRepository(t)
	full.commit("feat: a shop", map[string]string{"CHANGELOG.md": kept})
	bare := filepath.Join(t.TempDir(), "shop.git")
	full.git("clone", "-q", "--bare", full.dir, bare)
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no repository":         {[]string{"--repo", t.TempDir()}, "not a git repository"},
		"no such folder":        {[]string{"--repo", "/nowhere/at/all"}, "no such file"},
		"a repository at birth": {[]string{"--repo", newRepository(t).dir}, "it has no commits yet"},
		"no work tree":          {[]string{"--repo", bare}, "--print shows what would be written"},
		"an argument too many":  {[]string{full.dir}, "the repository is given with --repo"},
		"a flag like none":      {[]string{"--farce"}, "flag provided but not defined"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := sluice(t, "", append([]string{"init"}, c.args...)...); got.code != exitFailed || !strings.Contains(got.errors, c.want) || got.out != "" {
				t.Errorf("init %q = %+v, want 2 and %q", c.args, got, c.want)
			}
		})
	}
	if got := sluice(t, "", "init", "--repo", bare, "--print"); got.code != exitOpen {
		t.Errorf("init --print of a bare repository = %+v, want 0", got)
	}
}

func read(tb testing.TB, path string) string {
	tb.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}
