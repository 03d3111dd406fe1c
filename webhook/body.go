package webhook

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
)

// limit is the largest body: GitHub never sends more than 25 MB.
const limit = 25 << 20

// free is how much of each body is not counted against the budget, which is more than nearly all deliveries have.
const free = 256 << 10

// errBudget says that the bodies that are coming in take too much memory together.
var errBudget = errors.New("too many large bodies at once")

// budget bounds what bodies take of the memory before their signature is known: anybody can send those.
type budget struct{ left atomic.Int64 }

func newBudget(bytes int64) *budget {
	b := &budget{}
	b.left.Store(bytes)
	return b
}

// read reads the body, at most limit bytes whatever Content-Length says, growing as bytes really arrive. release gives
// its share of the budget back.
func (b *budget) read(w http.ResponseWriter, r *http.Request) (body []byte, release func(), err error) {
	taken := int64(0)
	release = func() { b.left.Add(taken) }
	if r.ContentLength > limit {
		return nil, release, &http.MaxBytesError{Limit: limit}
	}
	in := http.MaxBytesReader(w, r.Body, limit)
	size := int64(32 << 10)
	if r.ContentLength > 0 && r.ContentLength < free {
		size = r.ContentLength + 1 // one to see the end with
	}
	body = make([]byte, 0, size)
	for {
		if len(body) == cap(body) {
			grown := min(int64(cap(body))*2, limit+1)
			if more := grown - free - taken; more > 0 {
				if b.left.Add(-more) < 0 {
					b.left.Add(more)
					return nil, release, errBudget
				}
				taken += more
			}
			body = append(make([]byte, 0, grown), body...)
		}
		n, err := in.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if err == io.EOF {
			return body, release, nil
		}
		if err != nil {
			return nil, release, err
		}
	}
}
