package policy

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/sluicegate/sluice/checks/expression"
	"github.com/sluicegate/sluice/checks/patterns"
)

// special fills the types that are written otherwise than they are kept, and says whether it knew the type.
func (d *decoder) special(n *yaml.Node, v reflect.Value, path string, tag reflect.StructTag) bool {
	switch to := v.Addr().Interface().(type) {
	case *Mode:
		d.mode(n, to, path)
	case *Duration:
		d.duration(n, to, path)
	case *Globs:
		d.list(n, v, path, `is:"glob"`)
	case *Satisfy:
		d.satisfy(n, to, path)
	case *Size:
		d.size(n, to, path)
	case **expression.Program:
		d.program(n, to, path)
	case **expression.Template:
		d.template(n, to, path)
	case *From:
		fallback := *to
		*to = From{}
		if d.from(n, to, path); to.Zero() {
			*to = fallback
		}
	case *ApprovalRule:
		*to = defaultRule()
		to.Name = "rule " + strconv.Itoa(1+number(path))
		d.object(n, v, path)
		if to.From.Zero() {
			to.From = anyWriter()
		}
	case *HouseRule:
		to.Mode = Enforce
		d.object(n, v, path)
	case *Freeze:
		to.Timezone = "UTC"
		d.object(n, v, path)
	case *Window:
		*to = defaultWindow()
		d.object(n, v, path)
	case *[]EnvFiles:
		*to = nil
		d.named(n, path, func(name string, value *yaml.Node, at string) {
			e := EnvFiles{Name: name}
			d.list(value, reflect.ValueOf(&e.Paths).Elem(), at, `is:"glob"`)
			*to = append(*to, e)
		})
	case *[]Environment:
		*to = nil
		d.named(n, path, func(name string, value *yaml.Node, at string) {
			e := defaultEnvironment(name)
			d.object(value, reflect.ValueOf(&e).Elem(), at)
			*to = append(*to, e)
		})
	case *map[string]From:
		*to = map[string]From{}
		d.named(n, path, func(name string, value *yaml.Node, at string) {
			var f From
			d.from(value, &f, at)
			(*to)[name] = f
		})
	case *[]string:
		// `after: x` is short for `after: [x]`.
		if strings.HasSuffix(path, ".after") && n.Kind == yaml.ScalarNode {
			if s, ok := d.scalar(n, path); ok {
				d.word(n, s, path, tag)
				*to = []string{s}
			}
			return true
		}
		return false
	default:
		return false
	}
	return true
}

// named walks over a mapping whose keys are the user's own names, in their order.
func (d *decoder) named(n *yaml.Node, path string, each func(name string, value *yaml.Node, at string)) {
	d.mapping(n, path, func(key, value *yaml.Node) {
		at := join(path, key.Value)
		d.at(at, key)
		if err := forms["name"](key.Value); err != nil {
			d.wrong(key, path, "has a name that %v", err)
		}
		each(key.Value, value, at)
	})
}

var modes = []string{string(Enforce), string(Advise), string(Observe), string(Off)}

func (d *decoder) mode(n *yaml.Node, to *Mode, path string) {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!bool" {
		d.wrong(n, path, "must be %s, not %s", either(modes), quote(n.Value))
		return
	}
	if s, ok := d.scalar(n, path); ok {
		d.oneOf(n, s, path, modes)
		*to = Mode(s)
	}
}

func (d *decoder) duration(n *yaml.Node, to *Duration, path string) {
	s, ok := d.scalar(n, path)
	if !ok {
		return
	}
	var err error
	if *to, err = ParseDuration(s); err != nil {
		d.wrong(n, path, "%v", err)
	}
}

var durationPart = patterns.New(`^([0-9]{1,9}(?:\.[0-9]{1,9})?)(ns|us|µs|ms|[smhdw])`)

// ParseDuration reads Go's durations plus d (24 hours) and w (7 days): "15m", "4h", "1d12h". It is never negative.
func ParseDuration(s string) (Duration, error) {
	units := map[string]time.Duration{"d": 24 * time.Hour, "w": 7 * 24 * time.Hour}
	total, rest := 0.0, s
	for rest != "" && rest != "0" {
		m := durationPart.FindStringSubmatch(rest)
		if m == nil {
			return 0, fmt.Errorf("must be a duration such as 15m, 4h, 2d or 1w, not %s", quote(s))
		}
		unit := units[m[2]]
		if unit == 0 {
			unit, _ = time.ParseDuration("1" + m[2])
		}
		f, _ := strconv.ParseFloat(m[1], 64)
		total += f * float64(unit)
		rest = rest[len(m[0]):]
	}
	if s == "" || total > float64(10*365*24*time.Hour) {
		return 0, fmt.Errorf("must be a duration of at most ten years, such as 15m, 4h, 2d or 1w, not %s", quote(s))
	}
	return Duration(math.Round(total)), nil
}

// String writes the duration as ParseDuration reads it: "15m", "2d", "1w", "1h30m".
func (v Duration) String() string {
	if v == 0 {
		return "0"
	}
	out, rest := "", time.Duration(v)
	for _, u := range []struct {
		size time.Duration
		name string
	}{{7 * 24 * time.Hour, "w"}, {24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}} {
		if n := rest / u.size; n > 0 {
			out += strconv.FormatInt(int64(n), 10) + u.name
			rest -= n * u.size
		}
	}
	if rest > 0 {
		out += rest.String()
	}
	return out
}

// from reads who is meant: a mapping, or a list of logins.
func (d *decoder) from(n *yaml.Node, to *From, path string) {
	if n.Kind == yaml.SequenceNode && (strings.HasSuffix(path, ".authors") || strings.HasSuffix(path, "contributors")) {
		d.list(n, reflect.ValueOf(&to.Users).Elem(), path, `is:"login"`)
		return
	}
	d.object(n, reflect.ValueOf(to).Elem(), path)
}

var sizeForm = patterns.New(`^(>=|<=|>|<|=|==)\s*([0-9]{1,9})$`)

// size reads "> 500", "<= 20" or {min: 1, max: 20}.
func (d *decoder) size(n *yaml.Node, to *Size, path string) {
	if n.Kind == yaml.MappingNode {
		d.object(n, reflect.ValueOf(to).Elem(), path)
		if to.Max != 0 && to.Max < to.Min {
			d.wrong(n, path, "has a max below its min")
		}
		return
	}
	m := sizeForm.FindStringSubmatch(n.Value)
	if n.Kind != yaml.ScalarNode || m == nil {
		d.wrong(n, path, "must be a bound on lines such as \"> 500\" or \"<= 20\", or a mapping of min and max, not %s", describe(n))
		return
	}
	lines, _ := strconv.Atoi(m[2])
	switch m[1] {
	case ">":
		to.Min = lines + 1
	case ">=":
		to.Min = lines
	case "<":
		to.Max = lines - 1
	case "<=":
		to.Max = lines
	default:
		to.Min, to.Max = lines, lines
	}
	if to.Max == 0 && m[1] != ">" && m[1] != ">=" || to.Max < 0 {
		d.wrong(n, path, "would hold for no change with lines in it")
	}
}

func (d *decoder) program(n *yaml.Node, to **expression.Program, path string) {
	s, ok := d.scalar(n, path)
	if !ok {
		return
	}
	p, err := expression.Compile(s)
	if err != nil {
		d.expression(n, path, err)
		return
	}
	*to = p
}

func (d *decoder) template(n *yaml.Node, to **expression.Template, path string) {
	s, ok := d.scalar(n, path)
	if !ok {
		return
	}
	t, err := expression.CompileTemplate(s)
	if err != nil {
		d.expression(n, path, err)
		return
	}
	*to = t
}

// expression notes what is wrong with an expression, in the line and column where it stands in the policy.
func (d *decoder) expression(n *yaml.Node, path string, err error) {
	line, column := n.Line, n.Column
	var e *expression.Error
	if errors.As(err, &e) {
		switch {
		case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
			line, column = n.Line+e.Line, d.indent(n.Line+1)+e.Column
		case n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
			column += e.Column
		default:
			column += e.Column - 1
		}
	}
	d.problem(line, column, "%s: %v", path, err)
}

// indent is how far a line of the text is indented.
func (d *decoder) indent(line int) int {
	for text := range strings.Lines(d.text) {
		if line--; line == 0 {
			return len(text) - len(strings.TrimLeft(text, " "))
		}
	}
	return 0
}

// satisfy reads a tree over rule names.
func (d *decoder) satisfy(n *yaml.Node, to *Satisfy, path string) {
	if n.Kind == yaml.ScalarNode && n.Value == "all" {
		*to = Satisfy{}
		return
	}
	d.branch(n, to, path, 0)
}

// branch reads one node of the tree: a rule's name, or a mapping with the single key any or all.
func (d *decoder) branch(n *yaml.Node, to *Satisfy, path string, depth int) {
	if n.Kind == yaml.ScalarNode {
		if s, ok := d.scalar(n, path); ok {
			d.at(path+"="+s, n)
			to.Rule = s
		}
		return
	}
	if depth >= 10 {
		d.wrong(n, path, "is nested more than 10 deep")
		return
	}
	if n.Kind != yaml.MappingNode || len(n.Content) != 2 || n.Content[0].Value != "any" && n.Content[0].Value != "all" {
		d.wrong(n, path, "must be all, the name of a rule, or a mapping with one key, any or all, that holds a list of such")
		return
	}
	key, list := n.Content[0].Value, n.Content[1]
	if list.Kind != yaml.SequenceNode || len(list.Content) == 0 {
		d.wrong(list, join(path, key), "must be a list of at least one rule, not %s", describe(list))
		return
	}
	branches := make([]Satisfy, len(list.Content))
	for i, c := range list.Content {
		d.branch(c, &branches[i], fmt.Sprintf("%s.%s[%d]", path, key, i), depth+1)
	}
	if key == "any" {
		to.Any = branches
	} else {
		to.All = branches
	}
}

// number is the index at the end of a key path: 2 of "approval.rules[2]".
func number(path string) int {
	i, _ := strconv.Atoi(strings.TrimSuffix(path[strings.LastIndexByte(path, '[')+1:], "]"))
	return i
}
