// Package cache remembers what was expensive to read, within bounds of weight and number.
//
// It refuses to remember anything for ever, and to keep one thing at the cost of all others.
package cache

import (
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"
)

// Counted is a cache bounded by number. It is safe for concurrent use.
//
// All caches share one kind underneath, whatever they keep: it would be compiled anew for each kind of key and value, which made
// one part in thirty of the program's code.
type Counted[K comparable, V any] struct{ cache *lru.Cache[any, any] }

// Of returns a cache of at most so many things, which is above zero.
func Of[K comparable, V any](number int) *Counted[K, V] { return &Counted[K, V]{evicting(number, nil)} }

func evicting(number int, evicted func(k, v any)) *lru.Cache[any, any] {
	c, err := lru.NewWithEvict(number, evicted)
	if err != nil {
		panic(err) // sizes are constants above zero
	}
	return c
}

// Get returns what is kept under a key, and whether anything is.
func (c *Counted[K, V]) Get(k K) (V, bool) { return as[V](c.cache.Get(k)) }

// PeekOrAdd returns what is kept under a key, which counts as unused, and whether anything was; where nothing was, it keeps the value.
func (c *Counted[K, V]) PeekOrAdd(k K, v V) (V, bool) {
	kept, ok, _ := c.cache.PeekOrAdd(k, v)
	return as[V](kept, ok)
}

// Contains says whether anything is kept under a key, which counts as unused.
func (c *Counted[K, V]) Contains(k K) bool { return c.cache.Contains(k) }

// Add keeps a value, and forgets what was unused the longest if there is no room.
func (c *Counted[K, V]) Add(k K, v V) { c.cache.Add(k, v) }

// Remove forgets a key, and says whether anything was kept under it.
func (c *Counted[K, V]) Remove(k K) bool { return c.cache.Remove(k) }

// Keys are those under which something is kept, the longest unused first.
func (c *Counted[K, V]) Keys() []K {
	all := c.cache.Keys()
	keys := make([]K, len(all))
	for i, k := range all {
		keys[i] = k.(K)
	}
	return keys
}

// Purge forgets everything.
func (c *Counted[K, V]) Purge() { c.cache.Purge() }

// as is what was found, in its own type. A nil of an interface type is kept as a nil of none.
func as[V any](kept any, ok bool) (V, bool) {
	v, _ := kept.(V)
	return v, ok
}

// Weighed is a cache bounded by weight, in bytes about, and by number. It is safe for concurrent use.
type Weighed[K comparable, V any] struct{ scale *scale }

// scale is what all kinds of weighed caches have in common.
type scale struct {
	mu        sync.Mutex
	cache     *lru.Cache[any, any]
	sum, most int
}

type weight struct {
	value any
	bytes int
}

// New returns a cache of at most so many bytes and things. Both are above zero.
func New[K comparable, V any](most, number int) *Weighed[K, V] {
	s := &scale{most: most}
	s.cache = evicting(number, func(_, v any) { s.sum -= v.(weight).bytes })
	return &Weighed[K, V]{s}
}

// Get returns what is kept under a key, and whether anything is.
func (w *Weighed[K, V]) Get(k K) (V, bool) { return as[V](w.scale.get(k)) }

// Add keeps a value, unless it weighs more than a quarter of all that is kept.
func (w *Weighed[K, V]) Add(k K, v V, bytes int) { w.scale.add(k, v, bytes) }

func (s *scale) get(k any) (any, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.cache.Get(k)
	if !ok {
		return nil, false
	}
	return v.(weight).value, true
}

func (s *scale) add(k, v any, bytes int) {
	if bytes > s.most/4 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cache.Remove(k)
	s.cache.Add(k, weight{v, bytes})
	for s.sum += bytes; s.sum > s.most; {
		s.cache.RemoveOldest()
	}
}
