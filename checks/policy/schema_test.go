package policy

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/sluicegate/sluice/checks/expression"
)

var update = flag.Bool("update", false, "write schema.json anew")

// node is one piece of the schema; encoding/json sorts its keys, so that the file is the same every time.
type node = map[string]any

func TestSchemaIsUpToDate(t *testing.T) {
	g := &generator{docs: documented(t), seen: map[string]bool{}}
	want := g.root()
	if *update {
		if err := os.WriteFile("schema.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
		schema = want
	}
	if !bytes.Equal(Schema(), want) {
		t.Error("schema.json differs from the struct tags and docs/policy.md; run go test ./checks/policy -run Schema -update")
	}
	for key := range g.docs {
		if !g.seen[key] && key != "required" {
			t.Errorf("docs/policy.md has the key %s, which no struct has", key)
		}
	}
	for key := range g.seen {
		if g.docs[key].meaning == "" {
			t.Errorf("docs/policy.md lacks the key %s", key)
		}
	}
}

// TestDocumentedDefaults compares what docs/policy.md calls a default with what is one.
func TestDocumentedDefaults(t *testing.T) {
	t.Parallel()
	set, err := Load(Source{Origin: Repository, Name: "p", Text: "approval: {rules: [{when: {size: {min: 0}}}]}\nchecks: [{name: x, rule: 'true'}]\nroles: {r: {users: [u]}}\n" +
		"environments: {NAME: {windows: [{}], freezes: [{from: 2026-01-01, to: 2026-01-02}]}}\ntagging: {components: [{name: a, paths: [a]}]}"})
	if err != nil {
		t.Fatal(err)
	}
	var rendered yaml.Node
	text := Render(set.Layers[0])
	if err := yaml.Unmarshal([]byte(text), &rendered); err != nil {
		t.Fatalf("Render gave no YAML: %v\n%s", err, text)
	}
	for key, row := range documented(t) {
		want, has := strings.CutPrefix(row.value, "= ")
		if !has || strings.HasPrefix(key, "people.") {
			continue
		}
		n := rendered.Content[0]
		for _, step := range strings.Split(strings.ReplaceAll(key, "[]", ".0"), ".") {
			if i, err := strconv.Atoi(step); err == nil && n != nil && n.Kind == yaml.SequenceNode {
				n = n.Content[i]
			} else if _, n = find(n, step); n == nil {
				t.Errorf("the default of %s is documented as %s and not shown at all", key, want)
				break
			}
		}
		if n == nil {
			continue
		}
		var doc yaml.Node
		if err := yaml.Unmarshal([]byte(quoteBraces(want)), &doc); err != nil {
			t.Fatalf("the default of %s is no YAML: %v", key, err)
		}
		if got, want := plain(n), plain(doc.Content[0]); !reflect.DeepEqual(got, want) {
			t.Errorf("the default of %s is documented as %v and is %v", key, want, got)
		}
	}
}

func quoteBraces(s string) string {
	if strings.Contains(s, "{version}") {
		return strconv.Quote(s)
	}
	return s
}

// row is one key in docs/policy.md.
type row struct{ value, meaning string }

var documentedRow = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^|]*) ?\\| (.*) \\|$")

// documented reads the keys from the tables of docs/policy.md that have three columns.
func documented(t *testing.T) map[string]row {
	t.Helper()
	text, err := os.ReadFile("../../docs/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]row{}
	for _, m := range documentedRow.FindAllStringSubmatch(string(text), -1) {
		rows[m[1]] = row{strings.TrimSpace(m[2]), m[3]}
	}
	return rows
}

// generator makes the schema from the struct tags, and notes which keys it came by.
type generator struct {
	docs map[string]row
	seen map[string]bool
}

func (g *generator) root() []byte {
	top := g.object(reflect.TypeFor[Policy](), "")
	definitions := node{
		"people": g.object(reflect.TypeFor[From](), "people"),
		"mode":   node{"type": "string", "enum": modes},
		"satisfy": node{"oneOf": []node{
			{"type": "string", "minLength": 1},
			{"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": false, "properties": node{"any": branches(), "all": branches()}},
		}},
	}
	// What stands at the top may stand below required: too, so it is written once.
	properties, floor := node{}, node{}
	for k, v := range top["properties"].(node) {
		definitions["top-"+k] = v
		properties[k] = node{"$ref": "#/definitions/top-" + k}
		if k != "version" {
			floor[k] = properties[k]
		}
	}
	properties["required"] = node{
		"type": []string{"object", "null"}, "additionalProperties": false, "properties": floor, "description": g.docs["required"].meaning,
	}
	top["properties"], top["definitions"] = properties, definitions
	top["$schema"] = "http://json-schema.org/draft-07/schema#"
	top["$id"] = "https://github.com/sluicegate/sluice/policy.schema.json"
	top["title"] = "Sluice policy"
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(top); err != nil {
		panic(err)
	}
	return out.Bytes()
}

func branches() node {
	return node{"type": "array", "minItems": 1, "items": node{"$ref": "#/definitions/satisfy"}}
}

func (g *generator) object(typ reflect.Type, path string) node {
	properties := node{}
	for i := range typ.NumField() {
		f := typ.Field(i)
		key := f.Tag.Get("yaml")
		if key == "" || key == "-" || !f.IsExported() || misplaced(f, path) {
			continue
		}
		at := join(path, key)
		// The rules of an environment are those of a change, and documented there.
		documented := strings.Replace(strings.Replace(at, ".hotfix.approval[]", ".approval[]", 1), "environments.NAME.approval[]", "approval.rules[]", 1)
		g.seen[documented] = true
		properties[key] = g.describe(g.value(f.Type, at, f.Tag), documented)
	}
	n := node{"type": []string{"object", "null"}, "additionalProperties": false, "properties": properties}
	if needed := map[reflect.Type][]string{
		reflect.TypeFor[HouseRule](): {"name", "rule"}, reflect.TypeFor[Component](): {"name", "paths"},
	}[typ]; needed != nil {
		n["required"] = needed
	}
	if typ == reflect.TypeFor[Freeze]() {
		dates := []node{{"required": []string{"from"}}, {"required": []string{"to"}}}
		n["anyOf"] = []node{{"required": []string{"from", "to"}, "not": node{"required": []string{"calendar"}}}, {"required": []string{"calendar"}, "not": node{"anyOf": dates}}}
	}
	return n
}

// describe adds meaning and default, as docs/policy.md has them.
func (g *generator) describe(n node, path string) node {
	row := g.docs[path]
	text := strings.ReplaceAll(row.meaning, "`", "")
	if _, ref := n["$ref"]; ref {
		n = node{"allOf": []node{n}}
	}
	if row.value != "" {
		text += " Default: " + strings.TrimPrefix(row.value, "= ") + "."
	}
	n["description"] = text
	return n
}

// shapes are the forms that a schema can say as a pattern.
var shapes = map[string]string{
	"glob":   `^[^/!](.*[^/])?$`,
	"tag":    `\{version\}`,
	"check":  `^[a-z0-9]+(-[a-z0-9]+)*$`,
	"login":  `^[A-Za-z0-9_][A-Za-z0-9_.-]*(\[bot\])?$`,
	"team":   `^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)+$`,
	"clock":  `^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$`,
	"date":   `^[0-9]{4}-[0-9]{2}-[0-9]{2}`,
	"lasts":  `^(commit|([0-9]+(\.[0-9]+)?(ns|us|µs|ms|[smhdw]))+)$`,
	"scheme": `^(semver|regexp|calver:.+|regexp:.+)$`,
}

func (g *generator) value(typ reflect.Type, path string, tag reflect.StructTag) node {
	switch typ {
	case reflect.TypeFor[Mode]():
		return node{"$ref": "#/definitions/mode"}
	case reflect.TypeFor[Duration]():
		return node{"type": "string", "pattern": `^(0|([0-9]+(\.[0-9]+)?(ns|us|µs|ms|[smhdw]))+)$`}
	case reflect.TypeFor[Globs]():
		return node{"type": "array", "items": g.word(`is:"glob"`)}
	case reflect.TypeFor[Satisfy]():
		return node{"$ref": "#/definitions/satisfy"}
	case reflect.TypeFor[Size]():
		return node{"oneOf": []node{{"type": "string", "pattern": sizeForm.String()}, g.object(typ, path)}}
	case reflect.TypeFor[*expression.Program](), reflect.TypeFor[*expression.Template]():
		return node{"type": "string", "minLength": 1}
	case reflect.TypeFor[From]():
		if strings.HasSuffix(path, ".authors") {
			return node{"oneOf": []node{{"type": "array", "items": g.word(`is:"login"`)}, {"$ref": "#/definitions/people"}}}
		}
		return node{"$ref": "#/definitions/people"}
	case reflect.TypeFor[[]EnvFiles]():
		return node{"type": []string{"object", "null"}, "additionalProperties": node{"type": "array", "minItems": 1, "items": g.word(`is:"glob"`)}}
	case reflect.TypeFor[[]Environment]():
		g.seen[path+".NAME"] = true
		return node{"type": []string{"object", "null"}, "additionalProperties": g.object(reflect.TypeFor[Environment](), path+".NAME")}
	case reflect.TypeFor[map[string]From]():
		g.seen[path+".NAME"] = true
		return node{"type": []string{"object", "null"}, "additionalProperties": node{"$ref": "#/definitions/people"}}
	}
	return g.kind(typ, path, tag)
}

func (g *generator) kind(typ reflect.Type, path string, tag reflect.StructTag) node {
	switch typ.Kind() {
	case reflect.Bool:
		return node{"type": "boolean"}
	case reflect.Int:
		n := node{"type": "integer", "minimum": 0}
		for key, word := range map[string]string{"min": "minimum", "max": "maximum"} {
			if i, err := strconv.Atoi(tag.Get(key)); err == nil {
				n[word] = i
			}
		}
		return n
	case reflect.String:
		return g.word(tag)
	case reflect.Struct:
		return g.object(typ, path)
	}
	if typ.Elem().Kind() == reflect.Struct {
		return node{"type": "array", "items": g.object(typ.Elem(), path+"[]")}
	}
	list := node{"type": "array", "items": g.word(tag)}
	if strings.HasSuffix(path, ".after") {
		return node{"oneOf": []node{g.word(tag), list}}
	}
	return list
}

func (g *generator) word(tag reflect.StructTag) node {
	n := node{"type": "string"}
	if one := strings.Fields(tag.Get("one")); len(one) > 0 {
		n["enum"] = one
	}
	if is := tag.Get("is"); is != "" {
		n["minLength"] = 1
		if shape := shapes[is]; shape != "" {
			n["pattern"] = shape
		}
	}
	return n
}

// plain is a YAML node as JSON would have it.
func plain(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			m[n.Content[i].Value] = plain(n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		list := []any{}
		for _, c := range n.Content {
			list = append(list, plain(c))
		}
		return list
	}
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		return n.Value == "true"
	case "!!int", "!!float":
		return json.Number(n.Value)
	}
	return n.Value
}

// TestSchemaAgreesWithLoad wants the schema to accept what Load accepts, and to refuse what it refuses wherever a
// schema can see it.
func TestSchemaAgreesWithLoad(t *testing.T) {
	t.Parallel()
	full, err := os.ReadFile("testdata/full.yml")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("policy.json", doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("policy.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text string
		ok   bool
	}{
		"the whole example":           {string(full), true},
		"the least":                   {"version: 1", true},
		"an empty mapping":            {"changelog:\ntagging:\n", true},
		"a size in words":             {`approval: {rules: [{when: {size: "> 500", authors: [a]}}, {name: b, after: rule 1, when: {authors: {teams: [a/b]}}}]}`, true},
		"a tree":                      {"approval: {rules: [{name: a}, {name: b}], satisfy: {any: [a, {all: [b]}]}}", true},
		"an unknown key":              {"changelgo: {}", false},
		"an unknown key further down": {"changelog: {exempt: {path: []}}", false},
		"another version":             {"version: 2", false},
		"a mode that is none":         {"changelog: {mode: warn}", false},
		"a truth value as mode":       {"changelog: {mode: false}", false},
		"a number for a text":         {"changelog: {files: [1]}", false},
		"a text for a list":           {"changelog: {files: CHANGELOG.md}", false},
		"a count of none":             {"approval: {rules: [{count: 0}]}", false},
		"three people":                {"override: {people: 3}", false},
		"a rule without expression":   {"checks: [{name: x}]", false},
		"a name in capitals":          {"checks: [{name: Small, rule: 'true'}]", false},
		"a day that is none":          {"environments: {p: {windows: [{days: [tues]}]}}", false},
		"an hour that is none":        {`environments: {p: {windows: [{from: "25:00"}]}}`, false},
		"a freeze without end":        {"environments: {p: {freezes: [{from: 2026-01-01}]}}", false},
		"a freeze by calendar":        {"environments: {p: {freezes: [{calendar: ops/freeze.ics}, {calendar: 'https://cal.example/f.ics', timezone: Asia/Tokyo, reason: r}]}}", true},
		"a freeze by both":            {"environments: {p: {freezes: [{calendar: a.ics, from: 2026-01-01, to: 2026-01-02}]}}", false},
		"a freeze by one and a half":  {"environments: {p: {freezes: [{calendar: a.ics, to: 2026-01-02}]}}", false},
		"a duration without unit":     {"environments: {p: {soak: '15'}}", false},
		"a tree with two keys":        {"approval: {rules: [{name: a}], satisfy: {any: [a], all: [a]}}", false},
		"a team without organisation": {"override: {by: {teams: [dba]}}", false},
		"a pattern from the root":     {"changelog: {fragments: [/changes/*]}", false},
		"a tag without version":       {"tagging: {tag: v1}", false},
		"a scheme that is none":       {"tagging: {scheme: sember}", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var n yaml.Node
			if err := yaml.Unmarshal([]byte(c.text), &n); err != nil {
				t.Fatal(err)
			}
			if err := compiled.Validate(plain(n.Content[0])); (err == nil) != c.ok {
				t.Errorf("the schema says of %q: %v, want fine to be %v", c.text, err, c.ok)
			}
			if _, err := Load(Source{Origin: Repository, Name: "p", Text: c.text}); (err == nil) != c.ok {
				t.Errorf("Load(%q) = %v, want fine to be %v", c.text, err, c.ok)
			}
		})
	}
}

func TestReservedNamesAreInOrder(t *testing.T) {
	t.Parallel()
	for _, c := range Overridable {
		if !slices.Contains(Reserved, c) {
			t.Errorf("%s can be overridden and is not reserved: a house rule could take its name", c)
		}
	}
}
