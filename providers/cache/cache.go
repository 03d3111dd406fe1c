// Package cache remembers what was expensive to read, within bounds of weight and number.
//
// It refuses to remember anything for ever, and to keep one thing at the cost of all others.
package cache

import (
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"
)

// Weighed is a cache bounded by weight, in bytes about, and by number. It is safe for concurrent use.
type Weighed[K comparable, V any] struct {
	mu    sync.Mutex
	cache *lru.Cache[K, weight[V]]
	sum   int
	most  int
}

type weight[V any] struct {
	value V
	bytes int
}

// New returns a cache of at most so many bytes and things. Both are above zero.
func New[K comparable, V any](most, number int) *Weighed[K, V] {
	w := &Weighed[K, V]{most: most}
	c, err := lru.NewWithEvict(number, func(_ K, v weight[V]) { w.sum -= v.bytes })
	if err != nil {
		panic(err) // sizes are constants above zero
	}
	w.cache = c
	return w
}

// Get returns what is kept under a key, and whether anything is.
func (w *Weighed[K, V]) Get(k K) (V, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	v, ok := w.cache.Get(k)
	return v.value, ok
}

// Add keeps a value, unless it weighs more than a quarter of all that is kept.
func (w *Weighed[K, V]) Add(k K, v V, bytes int) {
	if bytes > w.most/4 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cache.Remove(k)
	w.cache.Add(k, weight[V]{v, bytes})
	for w.sum += bytes; w.sum > w.most; {
		w.cache.RemoveOldest()
	}
}
