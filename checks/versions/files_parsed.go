package versions

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"go/scanner"
	gotoken "go/token"
	"io"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
	"go.yaml.in/yaml/v3"

	"github.com/sluicegate/sluice/checks/toml"
)

// jsonKey reads a string at the top level. Where the key comes twice the last one counts, as it does for npm.
func jsonKey(key string) reader {
	return func(text string) (version string, line int, ok bool) {
		d := json.NewDecoder(strings.NewReader(text))
		if t, err := d.Token(); err != nil || t != json.Delim('{') {
			return "", 0, false
		}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return "", 0, false
			}
			if name != key {
				var skip json.RawMessage
				if d.Decode(&skip) != nil {
					return "", 0, false
				}
				continue
			}
			var value any
			if d.Decode(&value) != nil {
				return "", 0, false
			}
			version, ok = value.(string)
			line = lineAt(text, int(d.InputOffset())-1)
		}
		_, err := d.Token()
		return version, line, ok && err == nil
	}
}

// tomlKeys reads the first of the keys that holds a string. A table that says `version = {workspace = true}` or names
// it among `dynamic` states none.
func tomlKeys(keys ...[]string) reader {
	return func(text string) (string, int, bool) {
		all, err := toml.Read(text)
		if err != nil {
			return "", 0, false
		}
		for _, key := range keys {
			if version, ok := all.Table(key[:len(key)-1]...)[key[len(key)-1]].(string); ok {
				return version, tomlLine([]byte(text), key), true
			}
		}
		return "", 0, false
	}
}

// tomlLine finds where a key is set, by its full name; 1 where it is written in a way that this does not follow.
func tomlLine(text []byte, key []string) int {
	var p unstable.Parser
	p.Reset(text)
	var table []string
	for p.NextExpression() {
		e := p.Expression()
		var name []string
		var last *unstable.Node
		for it := e.Key(); it.Next(); {
			last = it.Node()
			name = append(name, string(last.Data))
		}
		switch e.Kind {
		case unstable.Table, unstable.ArrayTable:
			table = name
		case unstable.KeyValue:
			full := append(append([]string{}, table...), name...)
			if strings.Join(full, "\x00") == strings.Join(key, "\x00") && last != nil {
				return lineAt(string(text), int(last.Raw.Offset))
			}
		}
	}
	return 1
}

// yamlVersion reads `version` at the top level. Nodes are read, not values: aliases are not followed.
func yamlVersion(text string) (string, int, bool) {
	var doc yaml.Node
	if yaml.Unmarshal([]byte(text), &doc) != nil || len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return "", 0, false
	}
	pairs := doc.Content[0].Content
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i].Value == "version" && pairs[i+1].Kind == yaml.ScalarNode {
			return pairs[i+1].Value, pairs[i+1].Line, true
		}
	}
	return "", 0, false
}

// element is one text in an XML file.
type element struct {
	text string
	line int
}

// texts reads the elements that want says yes to, by their path from the root ("project/version"), the first of each.
func texts(text string, want func(path string) bool) (map[string]element, bool) {
	d := xml.NewDecoder(strings.NewReader(text))
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // versions are ASCII
	found := map[string]element{}
	var path []string
	var chars strings.Builder
	start := 0
	for {
		t, err := d.Token()
		if err != nil {
			return found, errors.Is(err, io.EOF) && len(path) == 0
		}
		switch t := t.(type) {
		case xml.StartElement:
			if path = append(path, t.Name.Local); len(path) > 1000 {
				return nil, false
			}
			chars.Reset()
			start = int(d.InputOffset())
		case xml.CharData:
			if len(path) < 5 && chars.Len() < 4*maxLength {
				chars.Write(t)
			}
		case xml.EndElement:
			if len(path) < 5 {
				p := strings.Join(path, "/")
				if _, twice := found[p]; !twice && want(p) {
					found[p] = element{strings.TrimSpace(chars.String()), lineAt(text, start)}
				}
			}
			path = path[:max(len(path)-1, 0)]
			chars.Reset()
		}
	}
}

// pomVersion reads the project's own version, neither its parent's nor a dependency's. ${revision} and its like are
// filled in from the properties beside it.
func pomVersion(text string) (string, int, bool) {
	const properties = "project/properties/"
	found, sound := texts(text, func(p string) bool {
		name, property := strings.CutPrefix(p, properties)
		return p == "project/version" || property && (name == "revision" || name == "sha1" || name == "changelist")
	})
	v, ok := found["project/version"]
	if !ok || !sound {
		return "", 0, false
	}
	if strings.Contains(v.text, "${") {
		for _, name := range []string{"revision", "sha1", "changelist"} {
			if p, ok := found[properties+name]; ok || name != "revision" {
				if strings.Contains(v.text, "${"+name+"}") && name == "revision" {
					v.line = p.line
				}
				v.text = strings.ReplaceAll(v.text, "${"+name+"}", p.text)
			}
		}
	}
	return v.text, v.line, !strings.Contains(v.text, "${")
}

// projectVersion reads <Version>, or else <VersionPrefix>, of a .NET project.
func projectVersion(text string) (string, int, bool) {
	const group = "Project/PropertyGroup/"
	found, sound := texts(text, func(p string) bool { return p == group+"Version" || p == group+"VersionPrefix" })
	if !sound {
		return "", 0, false
	}
	v, ok := found[group+"Version"]
	if !ok || strings.Contains(v.text, "$(") {
		v, ok = found[group+"VersionPrefix"]
	}
	return v.text, v.line, ok && !strings.Contains(v.text, "$(")
}

// goVersion reads a constant or variable of the package called Version, whatever its case. Tokens are enough: the
// rest of the file need not be sound.
func goVersion(text string) (string, int, bool) {
	var s scanner.Scanner
	file := gotoken.NewFileSet().AddFile("version.go", -1, len(text))
	s.Init(file, []byte(text), func(gotoken.Position, string) {}, 0)
	depth, declares, named, assigned := 0, false, false, false
	for {
		pos, tok, lit := s.Scan()
		switch tok {
		case gotoken.EOF:
			return "", 0, false
		case gotoken.LBRACE:
			depth++
		case gotoken.RBRACE:
			depth--
		case gotoken.CONST, gotoken.VAR:
			declares = depth == 0
		case gotoken.FUNC, gotoken.TYPE, gotoken.IMPORT:
			declares = false
		case gotoken.IDENT:
			if !assigned && (!named || strings.EqualFold(lit, "version")) {
				named = declares && strings.EqualFold(lit, "version")
			}
		case gotoken.ASSIGN:
			assigned = named
		case gotoken.STRING:
			if version, err := strconv.Unquote(lit); err == nil && named && assigned && depth == 0 {
				return strings.TrimPrefix(version, "v"), file.Line(pos), true
			}
		case gotoken.SEMICOLON, gotoken.COMMA:
			named, assigned = false, false
		}
	}
}
