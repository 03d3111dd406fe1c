package store_test

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sluicegate/sluice/store"
	"github.com/sluicegate/sluice/store/postgrestest"
	"github.com/sluicegate/sluice/store/storetest"
)

// Three processes write, each killed at some instant, while the server ends their connections in the middle of transactions,
// is restarted, and crashes: what was acknowledged is there, and was worked off once.
func TestKilledReplicasAndServersLoseNothing(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t)
	url := server.URL("postgres")
	if s, err := store.Open(t.Context(), store.Options{URL: url}); err != nil || s.Close() != nil { // so that no child has to migrate between two cuts
		t.Fatal(err)
	}
	rounds := 9
	if testing.Short() {
		rounds = 3
	}
	storetest.Kills(t, url, storetest.Trouble{Rounds: rounds, Children: 3,
		Life: func() time.Duration { return time.Second + rand.N(time.Second) },
		Disturb: func(round int, over <-chan struct{}) {
			switch round % 3 {
			case 0:
				cutConnections(t, url, over)
			default:
				select {
				case <-over:
				case <-time.After(rand.N(time.Second)):
				}
				server.Restart(t, round%3 == 2)
			}
		}})
}

// cutConnections ends everybody's, again and again.
func cutConnections(t *testing.T, url string, over <-chan struct{}) {
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Error(err)
		return
	}
	defer db.Close()
	for {
		select {
		case <-over:
			return
		case <-time.After(100*time.Millisecond + rand.N(time.Second)):
		}
		if _, err := db.ExecContext(context.Background(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'`); err != nil {
			t.Error(err)
		}
	}
}
