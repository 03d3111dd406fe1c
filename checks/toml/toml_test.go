package toml

import (
	"reflect"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

var seeds = []string{
	"", "a = \"x\"\n[b]\nc = 'y'\n", "[package]\nname = \"shop\"\nversion = \"1.2.3\" # now\n", "package = {version = \"1\", \"odd name\".x = \"\"\"\nlong\n\"\"\"}",
	"[tool.towncrier]\ndirectory = \"news\"\n[[tool.towncrier.type]]\ndirectory = \"a\"\nshowcontent = true\n[[tool.towncrier.type]]\nname = \"B\"\n[tool.towncrier.type.more]\nx = \"y\"\n",
	"a.b.c = \"x\"\na.b.d = [1, \"two\", [\"three\"], {four = \"4\"}]\nat = 2026-01-01T00:00:00Z\n", "a = \"\\u00e9\\n\\U0001F600\"\r\nb = '''x\r\ny'''",
	"a = 1\na = 2", "a = 1\n[a]", "[[a]]\n[a.b]\nc = \"1\"\n[[a]]\n[a.b]\nc = \"2\"", "a = [\n  # none\n]\n[a.b]", "[a", "a = ", "a = {b = 1, b = 2}", "\xff", "[a]\n[a]",
}

// What go-toml's decoder reads is read here, with the same strings in the same places; the other way round it forbids more.
func FuzzRead(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Read(text)
		var want map[string]any
		if toml.Unmarshal([]byte(text), &want) != nil {
			return
		}
		if err != nil {
			t.Fatalf("Read(%q) = %v, and go-toml reads it", text, err)
		}
		if want := plain(want); !reflect.DeepEqual(map[string]any(got), want) && len(got)+len(want.(map[string]any)) > 0 {
			t.Errorf("Read(%q) = %v, want %v", text, got, want)
		}
	})
}

// plain is what the decoder makes of a document, in the types of this package.
func plain(x any) any {
	switch x := x.(type) {
	case string:
		return x
	case []any:
		list := []any{}
		for _, e := range x {
			list = append(list, table(plain(e)))
		}
		return list
	case map[string]any:
		all := map[string]any{}
		for name, e := range x {
			all[name] = table(plain(e))
		}
		return all
	}
	return nil
}

func table(x any) any {
	if m, ok := x.(map[string]any); ok {
		return Table(m)
	}
	return x
}

func TestWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"[a", "a = ", "a = 1\na = 2", "a = 1\n[a]", "a = {b = 1, b = 2}", "a = \"x\"\na.b = 1", "a = []\n[a.b]"} {
		if got, err := Read(text); err == nil {
			t.Errorf("Read(%q) = %v, want an error", text, got)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	all, err := Read("[tool.x]\nname = \"y\"\nsize = 1\n")
	if err != nil {
		t.Fatal(err)
	}
	if x := all.Table("tool", "x"); x.String("name") != "y" || x.String("size") != "" || x.String("none") != "" || all.Table("tool", "none") != nil || all.Table("none", "x") != nil {
		t.Errorf("Table = %v", x)
	}
}
