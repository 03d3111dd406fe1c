package dashboard

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/sluicegate/sluice/gate"
)

// hub shows how far GitHub is set up. While something is awaited that the forge tells, and nothing is typed, the page looks
// again by itself.
func (v *setUpVisit) hub() error {
	st, err := v.Hub.State(v.r.Context())
	if err != nil {
		return err
	}
	if st.Awaits = v.awaits(st); st.Awaits {
		v.w.Header().Set("Refresh", "3; url=/setup")
	}
	v.render(http.StatusOK, "setup-github.html", "github", "Set-up", st, "")
	return nil
}

// awaits says that nothing but the forge can bring the page on. Who does not want to wait is let on.
func (v *setUpVisit) awaits(st *HubState) bool {
	return v.r.URL.Query().Get("wait") != "no" && st.From == FromPage && st.Trouble == "" && (len(st.Accounts) == 0 || st.Heard.IsZero())
}

// hubForm is the page that goes to the forge.
type hubForm struct {
	To, State, Manifest string
	Place               HubPlace
	Host                string
}

// hubMakes shows what will be asked of the forge, with the button that asks it.
func (v *setUpVisit) hubMakes() error {
	if v.Unfit != "" {
		return Refusal{v.Unfit}
	}
	form := v.r.PostForm
	place := HubPlace{URL: strings.TrimSpace(form.Get("url")), Owner: strings.TrimSpace(form.Get("owner")), Name: strings.TrimSpace(form.Get("name"))}
	to, manifest, err := v.Hub.Manifest(place)
	if err != nil {
		return err
	}
	at, err := url.Parse(to)
	if err != nil {
		return err
	}
	state, err := v.begins(place)
	if err != nil {
		return err
	}
	// This one form goes to the forge, which learns where it comes from and no more.
	v.w.Header().Set("Content-Security-Policy", strings.Replace(v.w.Header().Get("Content-Security-Policy"), "form-action 'self'", "form-action 'self' "+at.Scheme+"://"+at.Host, 1))
	v.w.Header().Set("Referrer-Policy", "strict-origin")
	v.render(http.StatusOK, "setup-create.html", "github", "Set-up", hubForm{To: to, State: state, Manifest: string(manifest), Place: place, Host: at.Host}, "")
	return nil
}

// hubMade takes the browser that comes back from the forge.
func (v *setUpVisit) hubMade() error {
	place, ok := v.returns()
	code := v.r.URL.Query().Get("code")
	switch {
	case !ok:
		return Refusal{"This browser was not sent to GitHub for this App by this page, or more than an hour ago. Nothing was taken over. If an App was made, delete it in GitHub's settings; then begin again."}
	case code == "":
		return Refusal{"GitHub sent no code along, so there is no App to take over. Begin again."}
	}
	if err := v.Hub.Made(v.r.Context(), v.by, place, code); err != nil {
		return err
	}
	http.Redirect(v.w, v.r, "/setup", http.StatusSeeOther)
	return nil
}

func (v *setUpVisit) hubPulls() error {
	if err := v.Hub.Pull(v.r.Context(), v.by); err != nil {
		return err
	}
	http.Redirect(v.w, v.r, "/setup", http.StatusSeeOther)
	return nil
}

// labPage is GitLab's tab.
type labPage struct {
	*LabState
	Told string // by the installation
	At   string // that was typed
	Left string // places that were typed
}

func (v *setUpVisit) lab() error { return v.labShows(http.StatusOK, labPage{}, "") }

func (v *setUpVisit) labShows(status int, p labPage, problem string) (err error) {
	if p.LabState, err = v.Lab.State(v.r.Context()); err != nil {
		return err
	}
	v.render(status, "setup-gitlab.html", "gitlab", "Set-up", p, problem)
	return nil
}

func (v *setUpVisit) labKeeps() error {
	form := v.r.PostForm
	at, token := strings.TrimSpace(form.Get("url")), strings.TrimSpace(form.Get("token"))
	if v.Unfit != "" {
		return Refusal{v.Unfit}
	}
	return v.labDoes(labPage{At: at}, v.Lab.Keep(v.r.Context(), v.by, at, token))
}

// labDoes goes on to the tab, or shows it with what was wrong.
func (v *setUpVisit) labDoes(p labPage, err error) error {
	no, is := err.(Refusal) //nolint:errorlint // what is wrapped is not meant for the reader
	switch {
	case is:
		return v.labShows(http.StatusUnprocessableEntity, p, gate.Plain(no.Why))
	case err != nil:
		return err
	}
	http.Redirect(v.w, v.r, "/setup/gitlab", http.StatusSeeOther)
	return nil
}

func (v *setUpVisit) labInstalls() error {
	p := labPage{Left: v.r.PostForm.Get("places")}
	places := strings.Fields(strings.ReplaceAll(p.Left, ",", " "))
	if len(places) == 0 || len(places) > 50 {
		return v.labShows(http.StatusUnprocessableEntity, p, "Name the groups or projects to guard, fifty at most, such as acme or acme/shop.")
	}
	told, err := v.Lab.Install(v.r.Context(), v.by, places)
	if no, is := err.(Refusal); is { //nolint:errorlint // as above
		p.Told = lines(told)
		return v.labShows(http.StatusUnprocessableEntity, p, gate.Plain(no.Why))
	}
	if err != nil {
		return err
	}
	p.Told = lines(told)
	return v.labShows(http.StatusOK, p, "")
}

func (v *setUpVisit) labSignsIn() error {
	form := v.r.PostForm
	return v.labDoes(labPage{}, v.Lab.SignIn(v.r.Context(), v.by, strings.TrimSpace(form.Get("id")), strings.TrimSpace(form.Get("secret"))))
}

// policyDraft is the page with a first policy.
type policyDraft struct {
	*Draft
	Made *gate.Proposed
}

func (v *setUpVisit) policy() error {
	forge, repo, err := v.named()
	if err != nil {
		return err
	}
	d, err := v.Drafts.Draft(v.r.Context(), forge, repo)
	if err != nil {
		return err
	}
	v.render(http.StatusOK, "setup-policy.html", forge, "First policy", policyDraft{Draft: d}, "")
	return nil
}

func (v *setUpVisit) named() (forge, name string, err error) {
	repo, err := named(v.r.FormValue("forge"), strings.TrimSpace(v.r.FormValue("repo")))
	if err != nil {
		return "", "", Refusal{"Name the repository as the forge does, such as acme/shop."}
	}
	return repo.Forge, repo.Name, nil
}

func (v *setUpVisit) proposes() error {
	forge, repo, err := v.named()
	if err != nil {
		return err
	}
	text := strings.ReplaceAll(v.r.PostForm.Get("text"), "\r\n", "\n")
	made, err := v.Drafts.Propose(v.r.Context(), v.by, forge, repo, text)
	problem := ""
	if no, is := err.(Refusal); is { //nolint:errorlint // as above
		problem = gate.Plain(no.Why)
	} else if err != nil {
		return err
	}
	d, err := v.Drafts.Draft(v.r.Context(), forge, repo)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if problem != "" {
		status, d.Text = http.StatusUnprocessableEntity, text
	}
	v.render(status, "setup-policy.html", forge, "First policy", policyDraft{Draft: d, Made: made}, problem)
	return nil
}

// done closes the set-up.
func (v *setUpVisit) done() error {
	if v.mark == "" {
		return Refusal{"Set-up is closed already."}
	}
	if err := v.Lock.Close(v.r.Context(), v.by, strings.TrimSpace(v.r.PostForm.Get("admins"))); err != nil {
		return err
	}
	_ = v.gives(passCookie, nil, 0)
	http.Redirect(v.w, v.r, "/", http.StatusSeeOther)
	return nil
}
