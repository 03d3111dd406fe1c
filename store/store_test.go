package store_test

import (
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/sluicegate/sluice/store/storetest"
)

func TestMain(m *testing.M) {
	storetest.Child()
	openedAlone()
	goleak.VerifyTestMain(m) // a goroutine that outlives its test fails them all
}

func TestSQLiteKeepsTheContract(t *testing.T) {
	t.Parallel()
	storetest.Contract(t, func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "a b%20?#.db") })
}

func TestPostgreSQLKeepsTheContract(t *testing.T) {
	t.Parallel()
	migrated := storetest.Postgres(t)
	storetest.Contract(t, migrated)
}
