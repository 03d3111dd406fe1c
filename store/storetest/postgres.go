package storetest

import (
	"context"
	"net/url"
	"testing"

	"github.com/sluicegate/sluice/store"
	"github.com/sluicegate/sluice/store/postgrestest"
)

// Postgres returns what makes empty databases with the newest schema. They are copies of one, which spares migrating each.
func Postgres(t testing.TB) (fresh func(testing.TB) string) {
	t.Helper()
	like := postgrestest.Fresh(t)
	if u, err := url.Parse(like); err == nil && u.Query().Has("search_path") {
		return postgrestest.Fresh // whoever may not make databases cannot copy one
	}
	s, err := store.Open(context.Background(), store.Options{URL: like})
	must(t, err)
	must(t, s.Close())
	return func(t testing.TB) string { return postgrestest.FreshLike(t, like) }
}
