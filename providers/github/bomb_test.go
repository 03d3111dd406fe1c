package github

import (
	"bytes"
	"compress/gzip"
	"context"
	"net/http"
	"strings"
	"testing"
)

// An answer of a few kilobytes that unfolds into more than any answer of GitHub's is refused, and not kept in memory whole.
func TestACompressedAnswerIsBoundedUnfolded(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	page := make([]byte, 1<<20)
	for range largestBody>>20 + 64 {
		if _, err := z.Write(page); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	_, c := newStub(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(packed.Bytes())
	})
	var out any
	err := c.installation(5).get(context.Background(), "GET /x", "/x", &out)
	if err == nil || !strings.Contains(err.Error(), "the answer is larger than") || out != nil {
		t.Errorf("get(a bomb of %d bytes) = %v, %v, want an error that says its size", packed.Len(), out, err)
	}
}
