package dashboard

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"text/template/parse"

	template "github.com/DataDog/datadog-agent/pkg/template/html"
)

// Templates call no methods, and a field that is not there is found only when a page is made: a branch that no test renders would
// fail in front of somebody. So every branch of every page is walked with the types of what it is given.

// given is what each page shows.
func given() map[string]any {
	return map[string]any{
		"asked.html": &askedPage{}, "audit.html": &auditPage{}, "board.html": &boardPage{}, "calendar.html": &calendarData{},
		"change.html": &changePage{}, "confirm.html": &confirmPage{}, "decision.html": sheet{}, "doctor.html": &doctorPage{},
		"environment.html": &environmentPage{}, "home.html": nil, "inbox.html": &inboxPage{}, "metrics.html": &deploymentsPage{},
		"missing.html": "", "overrides.html": &overridesPage{}, "policy.html": &policyData{}, "promotion.html": &promotionPage{},
		"repository.html": &repositoryPage{}, "trouble.html": "",

		"setup-closed.html": nil, "setup-create.html": hubForm{}, "setup-github.html": &HubState{}, "setup-gitlab.html": labPage{},
		"setup-policy.html": policyDraft{}, "setup-token.html": "", "setup-trouble.html": "",

		"login.html": account{}, "refused.html": "", "tokens.html": tokenSheet{},
	}
}

func TestTemplatesAskForWhatIsThere(t *testing.T) {
	t.Parallel()
	b, err := New(nil, true, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	pages := given()
	for _, set := range []*template.Template{b.templates, signTemplates()} {
		for _, x := range set.Templates() {
			if x.Tree == nil || parse.IsEmptyTree(x.Tree.Root) || !strings.HasSuffix(x.Name(), ".html") {
				continue
			}
			data, ok := pages[x.Name()]
			if !ok {
				t.Errorf("what %s is given is not known here", x.Name())
				continue
			}
			delete(pages, x.Name())
			dot := reflect.TypeFor[*page]()
			if strings.HasPrefix(x.Name(), "setup-") {
				dot = reflect.TypeFor[*setUpPage]()
			}
			for _, problem := range walked(set, x.Name(), dot, data) {
				t.Errorf("%s: %s", x.Name(), problem)
			}
		}
	}
	for name := range pages {
		t.Errorf("there is no page %s", name)
	}
}

func walked(set *template.Template, name string, dot reflect.Type, data any) []string {
	w := &walk{tree: func(name string) *parse.Tree { return set.Lookup(name).Tree }, data: reflect.TypeOf(data), seen: map[string]bool{}}
	w.template(name, dot)
	return w.problems
}

// What the walk is there to tell it tells.
func TestWalkTellsOfWhatIsNotThere(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{{with .Data}}{{.Retried}}{{range .Items}}{{clip 9 .Kind}}{{end}}{{end}}`: "",
		`{{.Titel}}`: "*dashboard.page has no field Titel",
		`{{if .Live}}{{else}}{{.Data.Odd}}{{end}}`:               "*dashboard.inboxPage has no field Odd",
		`{{.Now.IsZero}}`:                                        "IsZero is a method of time.Time",
		`{{.Now.Format "2006"}}`:                                 "Format is a method of time.Time; .Now.Format is called",
		`{{with .Data}}{{.Depth.Oldest.Round 9}}{{end}}`:         "Round is a method of time.Duration; .Depth.Oldest.Round is called",
		`{{range $i, $x := .Data.Items}}{{$x.Odd}}{{end}}`:       "dashboard.QueueItem has no field Odd",
		`{{range .Data.Items}}{{else}}{{.Odd}}{{end}}`:           "*dashboard.page has no field Odd",
		`{{range .Data.Items}}{{$.Odd}}{{end}}`:                  "*dashboard.page has no field Odd",
		`{{with $x := .Data.Depth}}{{$x.Odd}}{{end}}`:            "dashboard.QueueDepth has no field Odd",
		`{{$x := .Data}}{{if .Live}}{{$x.Depth.Odd}}{{end}}`:     "dashboard.QueueDepth has no field Odd",
		`{{range .Title}}{{end}}`:                                "string has no elements",
		`{{(index .Data.Items 0).Odd}}`:                          "dashboard.QueueItem has no field Odd",
		`{{clip 30 .Now}}`:                                       "clip is given a time.Time, and takes a string",
		`{{.Now | when}}{{.Title | when}}`:                       "when is given a string, and takes a time.Time",
		`{{short .Title .Title}}`:                                "short is given 2 values",
		`{{if eq .Title 1}}{{end}}`:                              "eq compares a string and a int",
		`{{define "x"}}{{.Odd}}{{end}}{{template "x" .Data}}`:    "*dashboard.inboxPage has no field Odd",
		`{{define "x"}}{{$.Odd}}{{end}}{{template "x" .Person}}`: "dashboard.Person has no field Odd",
	} {
		set := template.Must(template.New("page").Funcs(words()).Parse(text))
		if got := strings.Join(walked(set, "page", reflect.TypeFor[*page](), &inboxPage{}), "; "); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// The page has its title, as everywhere else.
func TestSetUpSaysThatThereIsNoSuchPage(t *testing.T) {
	t.Parallel()
	b, err := New(nil, false, "v1.2.3", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	b.SetUp(&SetUp{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/setup/nothing", nil))
	if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "<h1>Nothing here</h1>") {
		t.Errorf("GET /setup/nothing = %d %s", w.Code, w.Body)
	}
}
