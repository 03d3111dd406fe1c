package expression_test

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks/expression"
)

// thing is an Object with the fields given.
type thing map[string]any

func (t *thing) Field(name string) any {
	if v, ok := (*t)[name]; ok {
		return v
	}
	return errors.New("no " + name)
}

func list(things ...*thing) expression.List {
	return expression.List{Len: len(things), At: func(i int) expression.Object { return things[i] }}
}

var errHidden = errors.New("the forge did not list the commits")

func facts(files int) *thing {
	var fs []*thing
	for i := range files {
		fs = append(fs, &thing{"path": fmt.Sprintf("src/folder/file%d.go", i), "old": "", "status": "modified", "kind": "", "additions": i, "deletions": 1})
	}
	return &thing{
		"change": &thing{
			"number": 7, "title": "Add a button", "body": strings.Repeat("text ", 10000), "draft": false, "author": "ana", "bot": false, "fork": true,
			"base": "main", "head": "button", "labels": []string{"ui", "size/S"}, "additions": 900, "deletions": 3, "files": files, "commits": 1,
		},
		"files":      list(fs...),
		"commits":    errHidden,
		"reviews":    list(&thing{"author": "bo", "state": "approved", "commit": "abc", "current": true}),
		"repository": &thing{"name": "acme/shop", "default": "main", "private": true},
	}
}

func TestEval(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		src  string
		want bool
	}{
		"numbers add up":                                      {"change.additions + change.deletions <= 800", false},
		"labels are a list":                                   {"'ui' in change.labels && size(change.labels) == 2", true},
		"files can be filtered":                               {"files.filter(f, f.path.endsWith('3.go')).size() == 1 && files[3].additions == 3", true},
		"regular expressions work":                            {"change.title.matches('^Add ')", true},
		"string functions work":                               {"change.title.lowerAscii().startsWith('add')", true},
		"texts can be cut and joined":                         {"change.title.split(' ').join('-').replace('a', 'o').substring(0, change.title.indexOf(' ')) == 'Add'", true},
		"reviews and repository are seen":                     {"reviews.exists(r, r.current && r.author == 'bo') && repository.private", true},
		"an unknown part behind a settled or does not matter": {"change.fork || size(commits) > 1", true},
		"a field is always there":                             {"has(change.title)", true},
		"an object equals itself":                             {"files[0] == files[0] && files[0] != files[1]", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := expression.Compile(c.src)
			if err != nil {
				t.Fatalf("Compile(%q) = %v, want nil", c.src, err)
			}
			if got, err := p.Eval(expression.Bind(facts(5))); err != nil || got != c.want {
				t.Errorf("Eval(%q) = %v, %v, want %v, nil", c.src, got, err, c.want)
			}
		})
	}
}

func TestEvalError(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ src, want string }{
		"a part that is not known":      {"size(commits) > 1", errHidden.Error()},
		"nested loops without end":      {"files.all(a, files.all(b, files.all(c, a.path + b.path != c.path)))", "more steps"},
		"an index past the end":         {"files[5000].path == ''", "no value here"},
		"a text that grows and grows":   {"files.all(a, files.all(b, (change.body + change.body + change.body).size() > 1))", "more steps"},
		"lists that grow":               {"files.map(a, files.map(b, files)).size() > 0", "more steps"},
		"replacing by ever longer text": {"files.all(f, change.body.replace('t', change.body).size() > 0)", "more steps"},
		"joining many long texts":       {"files.map(f, change.body).join(',').size() > 0", "256 KB"},
		"adding to a text in a loop":    {"files.all(f, [change.body + change.body].all(a, (a + a + a + a).lowerAscii() != ''))", "more steps"},
		"a division by zero":            {"change.additions / (change.files - 300) > 1", "no value here"},
		"joining what has been split":   {"files.all(f, change.body.split(' ').join(change.body).size() > 0)", "more steps"},
		"a slow pattern on a long text": {"files.all(f, !change.body.matches('(a|b|ab)*c' + f.path))", "more steps"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := expression.Compile(c.src)
			if err != nil {
				t.Fatalf("Compile(%q) = %v, want nil", c.src, err)
			}
			began := time.Now()
			got, err := p.Eval(expression.Bind(facts(300)))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Eval(%q) = %v, %v, want an error with %q", c.src, got, err, c.want)
			}
			if took := time.Since(began); took > 3*time.Second && !raced() {
				t.Errorf("Eval(%q) took %v, want less than 3s", c.src, took)
			}
		})
	}
}

// raced says whether the race detector is on, which takes ten times as long over everything.
func raced() bool {
	b, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(b.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

func TestWithheldField(t *testing.T) {
	t.Parallel()
	p, err := expression.Compile("files.exists(f, f.kind == 'binary') && 'ui' in change.labels")
	if err != nil {
		t.Fatal(err)
	}
	whole := facts(2)
	(*whole)["files"] = list(&thing{"kind": errHidden})
	if got, err := p.Eval(expression.Bind(whole)); err != errHidden {
		t.Errorf("Eval(a field that is an error) = %v, %v, want the very error", got, err)
	}
}

func TestCompileError(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		src          string
		line, column int
		want         string
	}{
		"a misspelt field":         {"change.aditions > 1", 1, 7, `nothing called "aditions"; did you mean "additions"?`},
		"a misspelt variable":      {"true &&\n  chnge.draft", 2, 3, `did you mean "change"?`},
		"a number":                 {"1 + 1", 1, 1, "must be true or false"},
		"a word for a number":      {"change.additions > 'x'", 1, 18, "no matching overload"},
		"a broken regexp":          {"change.title.matches('(')", 1, 22, "not a regular expression"},
		"nothing":                  {"  ", 1, 1, "empty"},
		"half an expression":       {"change.draft &&", 1, 16, "mismatched input"},
		"too long":                 {strings.Repeat("!", 5000) + "true", 1, 1, "longer than"},
		"nested too deep":          {strings.Repeat("(", 500) + "true" + strings.Repeat(")", 500), 1, 1, ""},
		"a clock":                  {"now() > timestamp('2020-01-01T00:00:00Z')", 1, 4, "now"},
		"a type where none can be": {"File{path: 'x'} == files[0]", 1, 5, "only read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := expression.Compile(c.src)
			var e *expression.Error
			if !errors.As(err, &e) || !strings.Contains(e.Message, c.want) || e.Line != c.line {
				t.Fatalf("Compile(%.40q) = %#v, want line %d, column %d, %q", c.src, err, c.line, c.column, c.want)
			}
			if c.want != "" && e.Column != c.column {
				t.Errorf("Compile(%.40q) is placed at column %d, want %d (%v)", c.src, e.Column, c.column, e)
			}
		})
	}
}

func TestTemplate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ src, want, err string }{
		"plain text":            {src: "Split it.", want: "Split it."},
		"a number":              {src: "{{change.additions + change.deletions}} lines are more than 800.", want: "903 lines are more than 800."},
		"several":               {src: "{{change.author}}/{{ change.labels }}", want: "ana/ui, size/S"},
		"braces in quotes":      {src: `{{ "}}" + change.author }}!`, want: "}}ana!"},
		"a map's braces":        {src: `{{ {"a": {"b": "c"}}["a"]["b"] }}`, want: "c"},
		"not closed":            {src: "see {{change.author", err: "not closed"},
		"not opened":            {src: "see }} there", err: "without {{"},
		"an object":             {src: "{{change}}", err: "cannot be written"},
		"a misspelt field":      {src: "by {{change.auhtor}}", err: `did you mean "author"?`},
		"a part that is hidden": {src: "{{size(commits)}} commits", err: errHidden.Error()},
		"a long text is cut":    {src: "{{change.body}}{{change.body}}", want: strings.Repeat("text ", 200)[:999] + "…"},
		"a line end is a space": {src: "a\n{{'b\\u202ec'}}", want: "a bc"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tmpl, err := expression.CompileTemplate(c.src)
			got := ""
			if err == nil {
				got, err = tmpl.Text(expression.Bind(facts(2)))
			}
			if c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) || c.err == "" && (err != nil || got != c.want) {
				t.Errorf("CompileTemplate(%q).Text = %q, %v, want %q, %q", c.src, got, err, c.want, c.err)
			}
		})
	}
}

func BenchmarkEval(b *testing.B) {
	for name, src := range map[string]string{
		"sum":   "change.additions + change.deletions <= 800",
		"files": "files.all(f, !f.path.startsWith('migrations/') || f.status == 'added')",
	} {
		for _, n := range []int{30, 3000} {
			b.Run(fmt.Sprint(name, "/", n), func(b *testing.B) {
				p, err := expression.Compile(src)
				if err != nil {
					b.Fatal(err)
				}
				binding := expression.Bind(facts(n))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := p.Eval(binding); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := expression.Compile("change.additions + change.deletions <= 800"); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzCompile(f *testing.F) {
	for _, s := range []string{
		"change.additions + change.deletions <= 800", "files.all(f, f.path != '')", "'x' in change.labels", "size(commits) > 1", "change.title.matches('(a|b)*')",
		"files.map(f, f.path).join(',').split(',').size() > 0", "'%s'.format([change.title]) == ''", "[1,2].exists(x, x > 1)", "{{", "a}}b{{change.author}}",
		"change.body.replace('t', change.body, 5).size() > 1", "duration('1h') > duration('1m')", "has(change.title)",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		began := time.Now()
		if p, err := expression.Compile(src); err == nil {
			first, err1 := p.Eval(expression.Bind(facts(20)))
			second, err2 := p.Eval(expression.Bind(facts(20)))
			if first != second || (err1 == nil) != (err2 == nil) {
				t.Errorf("Eval(%q) = %v, %v and then %v, %v", src, first, err1, second, err2)
			}
		} else if e, ok := err.(*expression.Error); !ok || e.Line < 1 || e.Column < 1 {
			t.Errorf("Compile(%q) = %#v, want a placed error", src, err)
		}
		if p, err := expression.CompileTemplate(src); err == nil {
			if s, err := p.Text(expression.Bind(facts(20))); err == nil && len([]rune(s)) > 1000 {
				t.Errorf("Text(%q) has %d characters", src, len([]rune(s)))
			}
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%q took %v", src, took)
		}
	})
}
