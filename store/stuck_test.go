package store

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/gate/audit"
	"github.com/sluicegate/sluice/store/postgrestest"
)

// onBoth runs a test on an empty database of each kind.
func onBoth(t *testing.T, f func(t *testing.T, url string)) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); f(t, "sqlite:"+filepath.Join(t.TempDir(), "x.db")) })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); f(t, postgrestest.Fresh(t)) })
}

func TestADeliveryIsReplayedOnTheRecord(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		ctx := context.Background()
		s, err := Open(ctx, Options{URL: url, DeadAfter: 1})
		must(t, err)
		defer s.Close()
		d := marked("guid", 7)
		_, err = s.Add(ctx, d)
		must(t, err)
		works, err := s.Claim(ctx, 9, time.Minute)
		if err != nil || len(works) != 1 {
			t.Fatalf("Claim = %v, %v", works, err)
		}
		must(t, s.Fail(ctx, works[0], "no", 0))
		beside, err := Open(ctx, Options{URL: url, Beside: true})
		must(t, err)
		defer beside.Close()
		kept, err := beside.Delivery(ctx, "", "guid")
		if err != nil || string(kept.Body) != "guid" || kept.Event != "push" || kept.Forge != "github" {
			t.Fatalf("Delivery = %+v, %v", kept, err)
		}
		kept.Marks = d.Marks
		must(t, beside.Replay(ctx, kept, "ann", "it was misread"))
		works, err = s.Claim(ctx, 9, time.Minute)
		if err != nil || len(works) != 1 || len(works[0].Causes) != 2 || works[0].Causes[1].Receipt == works[0].Causes[0].Receipt {
			t.Errorf("Claim after the replay = %+v, %v, want the dead letter with a second cause", works, err)
		}
		_, causes, err := beside.Item(ctx, works[0].ID)
		if err != nil || len(causes) != 2 || causes[0].Delivery != "guid" || causes[0].Done {
			t.Errorf("Item = %+v, %v", causes, err)
		}
		var entries []string
		must(t, s.Audit(ctx, AuditFilter{}, func(k audit.Kept) error { entries = append(entries, k.Line); return nil }))
		if len(entries) != 1 || !strings.Contains(entries[0], "inbox replay") || !strings.Contains(entries[0], "ann") || !strings.Contains(entries[0], "it was misread") {
			t.Errorf("the log has %v", entries)
		}
		if _, err := s.Delivery(ctx, "gitlab", "guid"); !errors.Is(err, ErrUnknown) {
			t.Errorf("Delivery of another forge = %v", err)
		}
		if err := s.Replay(ctx, marked("gone", 1), "ann", ""); !errors.Is(err, ErrUnknown) {
			t.Errorf("Replay of what is gone = %v", err)
		}
	})
}

func TestTheInboxIsFilteredAndTellsWhatIsStuck(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		ctx := context.Background()
		now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
		s, err := Open(ctx, Options{URL: url, Now: func() time.Time { return now }, Holder: "host/1"})
		must(t, err)
		defer s.Close()
		_, err = s.Add(ctx, marked("1", 1))
		must(t, err)
		works, err := s.Claim(ctx, 1, time.Minute)
		must(t, err)
		other := marked("2", 2)
		other.Marks[0].Repo = "acme/Tools"
		_, err = s.Add(ctx, other)
		must(t, err)
		must(t, s.Mark(ctx, gate.Mark{Kind: gate.MarkSweep, Forge: "github", Why: "timer"}))
		stuck := func(f InboxFilter) (list []string) {
			items, err := s.Inbox(ctx, f)
			must(t, err)
			for _, i := range items {
				list = append(list, i.Kind+": "+i.Stuck(s.Now(), 10*time.Minute))
			}
			return list
		}
		if got := stuck(InboxFilter{}); !slices.Equal(got, []string{"change: ", "change: ", "sweep: "}) {
			t.Errorf("at first %v", got)
		}
		now = now.Add(20 * time.Minute)
		gone, due := "change: host/1 holds it and has not been heard of since its lease ended 19m0s ago", "it is due and has waited for 20m0s: nobody takes it"
		for name, c := range map[string]struct {
			filter InboxFilter
			want   []string
		}{
			"all":            {InboxFilter{}, []string{gone, "change: " + due, "sweep: " + due}},
			"a repository":   {InboxFilter{Repo: "ACME/tools"}, []string{"change: " + due}},
			"a kind":         {InboxFilter{Kind: "sweep"}, []string{"sweep: " + due}},
			"both":           {InboxFilter{Kind: "sweep", Repo: "acme/tools"}, nil},
			"kind and state": {InboxFilter{Kind: "change", Standing: Running}, []string{gone}},
		} {
			if got := stuck(c.filter); !slices.Equal(got, c.want) {
				t.Errorf("%s: got %q, want %q", name, got, c.want)
			}
		}
		must(t, s.Finish(ctx, works[0], gate.Outcome{}))
		if got := stuck(InboxFilter{All: true}); len(got) != 2 {
			t.Errorf("what is at rest is listed: %q", got)
		}
		if i, _, err := s.Item(ctx, works[0].ID); err != nil || i.ID != works[0].ID {
			t.Errorf("Item at rest = %+v, %v", i, err)
		}
		if (Item{Standing: Waiting, Attempts: 5, Due: now.Add(time.Hour)}).Stuck(now, time.Hour) == "" {
			t.Error("what was taken five times is not stuck")
		}
	})
}

func TestHealthTellsOfBothDatabases(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		ctx := context.Background()
		s, err := Open(ctx, Options{URL: url})
		must(t, err)
		defer s.Close()
		h, err := s.Health(ctx, time.Minute)
		if err != nil || h.Version == "" || h.Schema == 0 || h.Bytes == 0 || h.Written != nil || h.Damaged != "" || h.Skew.Abs() > time.Minute {
			t.Errorf("Health = %+v, %v", h, err)
		}
		if h.Postgres && (h.Left < 1 || h.Each < 5) || !h.Postgres && (!h.Checked || h.Free == 0) {
			t.Errorf("Health = %+v", h)
		}
	})
}
