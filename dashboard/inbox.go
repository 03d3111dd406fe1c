package dashboard

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Queue is the work that is to be done, for administrators.
type Queue interface {
	Depth(ctx context.Context) (QueueDepth, error)
	Work(ctx context.Context, standing string, after int64, limit int) ([]QueueItem, error)
	// Retry makes these pieces due at once, or all that failed where none is named, and writes down who asked for it.
	Retry(ctx context.Context, by Person, ids ...int64) (int, error)
}

// QueueDepth is how the queue is doing.
type QueueDepth struct {
	Waiting, Running, Dead, Scheduled int
	Oldest                            time.Duration
	Next                              time.Time
}

// QueueItem is a piece of work.
type QueueItem struct {
	ID                         int64
	Kind, Key, Standing, Why   string
	Error, Note, Holder, Stuck string
	Since, Due                 time.Time
	Attempts                   int64
}

// inboxPage is the queue.
type inboxPage struct {
	Depth   QueueDepth
	Items   []QueueItem
	Only    string
	Onlys   []string // what the page can be narrowed to
	Next    string
	Retried string
}

const workOnPage = 50

// inbox serves it.
func inbox(v *visitor) (*page, string, error) {
	if !v.Person.Admin || v.Queue == nil {
		return nil, "", errMissing
	}
	q := v.r.URL.Query()
	data := &inboxPage{Only: q.Get("only"), Onlys: []string{"", "dead", "waiting", "running", "scheduled"}, Retried: q.Get("retried")}
	after, err := number(q.Get("after"))
	if err != nil || !slices.Contains(data.Onlys, data.Only) {
		return nil, "", errMissing
	}
	if _, err := number(data.Retried); err != nil {
		return nil, "", errMissing
	}
	if data.Depth, err = v.Queue.Depth(v.ctx()); err != nil {
		return nil, "", err
	}
	if data.Items, err = v.Queue.Work(v.ctx(), data.Only, after, workOnPage); err != nil {
		return nil, "", err
	}
	if n := len(data.Items); n == workOnPage {
		data.Next = "/inbox?only=" + data.Only + "&after=" + strconv.FormatInt(data.Items[n-1].ID, 10)
	}
	return &page{Title: "Inbox", Here: "inbox", Data: data, Live: true}, "inbox.html", nil
}

// retry has work tried again at once: one piece, or all that failed.
func retry(v *visitor) (*page, string, error) {
	if !v.Person.Admin || v.Queue == nil {
		return nil, "", errMissing
	}
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, mostForm)
	if err := v.r.ParseForm(); err != nil {
		return nil, "", wrong{"The form could not be read. Go back, and try once more."}
	}
	var ids []int64
	if v.r.PostForm.Get("all") == "" {
		id, err := number(v.r.PostForm.Get("id"))
		if err != nil || id == 0 {
			return nil, "", wrong{"It was not said what is to be tried again. Go back to the inbox, and press the button beside it."}
		}
		ids = append(ids, id)
	}
	n, err := v.Queue.Retry(v.ctx(), v.Person, ids...)
	if err != nil {
		return nil, "", err
	}
	http.Redirect(v.w, v.r, "/inbox?retried="+strconv.Itoa(n), http.StatusSeeOther)
	return nil, "", nil
}
