package versions

import (
	"fmt"
	"strings"
)

// Template is how a version becomes a tag: "v{version}", "@scope/pkg@{version}", "pkg/v{version}".
type Template struct{ prefix, suffix string }

// ParseTemplate reads a template; the error says what is wrong with it.
func ParseTemplate(text string) (Template, error) {
	prefix, suffix, found := strings.Cut(text, "{version}")
	switch {
	case !found:
		return Template{}, fmt.Errorf("tag %q: it needs {version} where the version goes", text)
	case strings.ContainsAny(prefix+suffix, "{}"):
		return Template{}, fmt.Errorf("tag %q: {version} once, and no other braces", text)
	}
	if why := refProblem(prefix + "1.0.0" + suffix); why != "" {
		return Template{}, fmt.Errorf("tag %q: %s", text, why)
	}
	return Template{prefix, suffix}, nil
}

// String is the template as a policy writes it.
func (t Template) String() string { return t.prefix + "{version}" + t.suffix }

// Tag is the tag that carries a version.
func (t Template) Tag(version string) string {
	if version == "" {
		return ""
	}
	return t.prefix + version + t.suffix
}

// Version is what the tag carries, when it is written by the template.
func (t Template) Version(tag string) (string, bool) {
	rest, ok := strings.CutPrefix(tag, t.prefix)
	if !ok {
		return "", false
	}
	version, ok := strings.CutSuffix(rest, t.suffix)
	return version, ok && version != ""
}

// refProblem says why git would not take the tag's name; "" when it would.
func refProblem(tag string) string {
	switch {
	case tag == "":
		return "it is empty"
	case len(tag) > maxLength:
		return fmt.Sprintf("it is longer than %d characters", maxLength)
	case strings.HasPrefix(tag, "-"), strings.HasPrefix(tag, "/"), strings.HasSuffix(tag, "/"), strings.HasSuffix(tag, "."), tag == "@":
		return fmt.Sprintf("git takes no tag called %s", clip(tag))
	}
	for _, bad := range []string{"..", "@{", "//", "/.", ".lock/"} {
		if strings.Contains(tag, bad) {
			return fmt.Sprintf("git takes no tag with %q in it", bad)
		}
	}
	if strings.HasPrefix(tag, ".") || strings.HasSuffix(tag, ".lock") {
		return fmt.Sprintf("git takes no tag called %s", clip(tag))
	}
	for _, r := range tag {
		if r <= ' ' || r == 0x7f || strings.ContainsRune(`~^:?*[\`, r) || r == '�' {
			return fmt.Sprintf("git takes no tag with %q in it", r)
		}
	}
	return ""
}
