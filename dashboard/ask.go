package dashboard

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"html"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluicegate/sluice/gate"
)

// Asking for something by a button: a page that repeats what is asked for, then a form, whose fields are written down as
// the same thing said to the API is. What comes of it is decided by the gate, at that moment, by the rules of commands.

// mostForm is the size of a form, in bytes.
const mostForm = 64 << 10

// confirmPage repeats what is asked for before it is.
type confirmPage struct {
	Word    string
	Deed    deed
	Place   place
	Repo    gate.Repo
	Ref     string
	Version string // of what is deployed, or gone back to
	Commit  string
	From    string           // the version that is there now
	Backs   []gate.Promotion // what can be gone back to
	Key     string           // asking twice with it asks once
	Problem string
	Reason  string
	For     string
	Waiting *gate.Promotion
}

// confirm serves it.
func confirm(v *visitor) (*page, string, error) {
	data, err := v.confirming()
	if err != nil {
		return nil, "", err
	}
	data.Key = rand.Text()
	return confirmed(data), "confirm.html", nil
}

func confirmed(data *confirmPage) *page {
	return &page{Title: data.Deed.Button + " " + gate.Plain(data.Place.Seen.Name), Here: "board", Data: data}
}

// confirming is what is asked for, of somebody who may ask for it.
func (v *visitor) confirming() (*confirmPage, error) {
	word := v.r.PathValue("word")
	d, ok := deeds()[word]
	repo, err := named(v.r.PathValue("forge"), v.r.PathValue("repo"))
	if !ok || err != nil {
		return nil, errMissing
	}
	if repo, err = v.sees(repo.Forge, repo.Name); err != nil {
		return nil, err
	}
	here, all, err := v.placeOf(repo, v.r.PathValue("environment"))
	if err != nil {
		return nil, err
	}
	may, err := v.rights(repo, here.Place)
	if err != nil {
		return nil, err
	}
	if d.Approves && !may.Approve || !d.Approves && !may.Deploy {
		return nil, refusal(v.Person, repo, here.Seen.Name, word, may)
	}
	x := &confirmPage{Word: word, Deed: d, Place: *here, Repo: repo, Ref: v.r.FormValue("ref"), From: here.Version, Waiting: here.Waiting}
	return x, v.meant(x, all)
}

// refusal says what is missing, why, and who cures it.
func refusal(p Person, repo gate.Repo, environment, word string, may right) error {
	role := may.Role
	if role == "" {
		role = "none"
	}
	return denied{"To " + word + " in " + gate.Plain(environment) + " of " + gate.Plain(repo.Name) + " takes the right write, or being named by the policy (environments." +
		gate.Plain(environment) + " in .sluice.yml). The forge says that " + gate.Plain(p.Login) + " has the right " + gate.Plain(role) +
		". Ask somebody who has it, or ask an administrator of the repository for the right."}
}

// meant finds out which commit is meant, for people to read.
func (v *visitor) meant(x *confirmPage, all []place) error {
	switch x.Word {
	case "approve", "reject", "cancel":
		p := x.Place.Waiting
		if p == nil && x.Word == "cancel" {
			p = x.Place.UnderWay
		}
		if p == nil {
			return wrong{"Nothing waits in " + gate.Plain(x.Place.Seen.Name) + " any more, so there is nothing to " + x.Word + ". Look at its page for what became of it."}
		}
		x.Commit, x.Version = p.Commit, p.Version
	case "deploy":
		if x.Ref == "" {
			if b := before(x.Place, all); b != nil && b.Live != nil {
				x.Ref = b.Live.Commit
			}
		}
		x.Commit = x.Ref
		for _, q := range all {
			if l := q.Live; l != nil && l.Commit == x.Ref {
				x.Version = q.Version
			}
		}
	case "rollback":
		book, err := v.Library.Environment(v.ctx(), x.Repo.Forge, x.Repo.Name, x.Place.Seen.Name)
		if err != nil {
			return err
		}
		for _, p := range book.Promotions {
			well := !p.VerifiedAt.IsZero() && (x.Place.Live == nil || p.Commit != x.Place.Live.Commit)
			if well && !slices.ContainsFunc(x.Backs, func(q gate.Promotion) bool { return q.Commit == p.Commit }) {
				x.Backs = append(x.Backs, p)
			}
		}
		if len(x.Backs) == 0 {
			return wrong{"Nothing else was live and well in " + gate.Plain(x.Place.Seen.Name) + " through the gate, so there is nothing to go back to. Deploy a commit that mends it instead."}
		}
	}
	return nil
}

// askFor writes down what was asked for, and leads to what comes of it.
func askFor(v *visitor) (*page, string, error) {
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, mostForm)
	if err := v.r.ParseForm(); err != nil {
		return nil, "", wrong{"The form could not be read. Go back, and try once more."}
	}
	data, err := v.confirming()
	if err != nil {
		return nil, "", err
	}
	form := v.r.PostForm
	data.Reason, data.For, data.Key = strings.TrimSpace(form.Get("reason")), strings.TrimSpace(form.Get("for")), form.Get("key")
	if data.Key == "" || len(data.Key) > 100 {
		return nil, "", wrong{"The form is not one of this page. Open the page again, and ask from there."}
	}
	if was := form.Get("commit"); was != data.Commit { // the page said something else
		return nil, "", wrong{"What waits there is another commit by now than the one that you were shown. Nothing was asked for. Go back to the environment, and look at what is there now."}
	}
	x := gate.Ask{ID: onceOf(v.Person, data.Key), Forge: data.Repo.Forge, Repo: data.Place.Seen.Repo, Word: data.Word, Environment: data.Place.Seen.Name,
		Reason: data.Reason, By: v.Person.Login, At: v.now.Truncate(time.Millisecond)}
	x.ByID, _ = strconv.ParseInt(v.Person.ID, 10, 64)
	if data.Word == "deploy" || data.Word == "rollback" {
		x.Ref = form.Get("ref")
	}
	if data.For != "" && data.Deed.Lasts {
		x.For, data.Problem = lasting(data.For)
	}
	if data.Problem == "" {
		data.Problem = x.Problem()
	}
	if data.Problem != "" {
		return confirmed(data), "confirm.html", nil
	}
	if v.Person.Forge != data.Repo.Forge {
		return nil, "", denied{"You signed in with " + v.Person.Forge + ", and this repository is at " + data.Repo.Forge + ". Sign in there to ask for something here."}
	}
	if _, err := v.Library.Ask(v.ctx(), x); err != nil {
		return nil, "", err
	}
	http.Redirect(v.w, v.r, "/asks/"+x.ID, http.StatusSeeOther)
	return nil, "", nil
}

// onceOf is the id of what a form asks for: sent twice, it asks once, and nobody else's form can be it.
func onceOf(p Person, key string) string {
	sum := sha256.Sum256([]byte("form\x00" + p.Forge + "\x00" + p.ID + "\x00" + key))
	return hex.EncodeToString(sum[:16])
}

// askedPage is what came of asking.
type askedPage struct {
	Ask       *gate.Ask
	Deed      deed
	Text      string
	Promotion *gate.Promotion
}

// asked serves it. Only who may see the repository may see what was asked of it.
func asked(v *visitor) (*page, string, error) {
	id := v.r.PathValue("id")
	if !decisionID.MatchString(id) {
		return nil, "", errMissing
	}
	x, err := v.Library.Asked(v.ctx(), id)
	if err != nil {
		return nil, "", err
	}
	if x == nil {
		return nil, "", errMissing
	}
	if _, err := v.sees(x.Forge, x.Repo); err != nil {
		return nil, "", err
	}
	data := &askedPage{Ask: x, Deed: deeds()[x.Word]}
	p := &page{Title: data.Deed.Button + " " + gate.Plain(x.Environment), Here: "board", Data: data, Live: true}
	if x.Result == nil {
		v.w.Header().Set("Refresh", "2") // for who has no script; it ends with the answer
		return p, "asked.html", nil
	}
	data.Text = gate.Plain(html.UnescapeString(x.Result.Text))
	if x.Result.Promotion != "" {
		data.Promotion, err = v.Library.Promotion(v.ctx(), x.Result.Promotion)
	}
	return p, "asked.html", err
}

func sameWord(a, b string) bool { return strings.EqualFold(a, b) }
