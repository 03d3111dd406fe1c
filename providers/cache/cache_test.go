package cache

import (
	"errors"
	"slices"
	"testing"
)

type key struct {
	repo string
	id   int64
}

func TestCountedKeepsTheNewest(t *testing.T) {
	t.Parallel()
	c := Of[key, []string](2)
	a, b, d := key{"a", 1}, key{"a", 2}, key{"d", 1}
	c.Add(a, []string{"one"})
	c.Add(b, nil)
	if v, ok := c.Get(a); !ok || !slices.Equal(v, []string{"one"}) {
		t.Errorf("Get(a) = %q, %t", v, ok)
	}
	c.Add(d, []string{"three"})
	if v, ok := c.Get(b); ok || v != nil {
		t.Errorf("Get(b) = %q, %t, though it was unused the longest", v, ok)
	}
	if v, ok := c.PeekOrAdd(a, nil); !ok || len(v) != 1 {
		t.Errorf("PeekOrAdd(a) = %q, %t", v, ok)
	}
	if v, ok := c.PeekOrAdd(b, nil); ok || v != nil || c.Contains(a) || !slices.Equal(c.Keys(), []key{d, b}) {
		t.Errorf("PeekOrAdd(b) = %q, %t; kept are %v", v, ok, c.Keys())
	}
	if !c.Remove(b) || c.Remove(b) {
		t.Error("Remove(b) does not say what it did")
	}
	if c.Purge(); len(c.Keys()) != 0 {
		t.Error("Purge left something")
	}
}

func TestCountedKeepsNothingOfAnInterface(t *testing.T) {
	t.Parallel()
	c := Of[string, error](1)
	c.Add("x", nil)
	if v, ok := c.Get("x"); !ok || v != nil {
		t.Errorf("Get = %v, %t", v, ok)
	}
	c.Add("x", errors.ErrUnsupported)
	if v, ok := c.Get("x"); !ok || !errors.Is(v, errors.ErrUnsupported) {
		t.Errorf("Get = %v, %t", v, ok)
	}
}

func TestWeighedKeepsItsWeight(t *testing.T) {
	t.Parallel()
	w := New[string, int](100, 10)
	for i, k := range []string{"a", "b", "c", "d", "e"} {
		w.Add(k, i, 25)
	}
	w.Add("heavy", 9, 26)
	for k, want := range map[string]bool{"a": false, "b": true, "e": true, "heavy": false} {
		if v, ok := w.Get(k); ok != want || ok && v == 0 {
			t.Errorf("Get(%q) = %d, %t, want %t", k, v, ok, want)
		}
	}
	w.Add("b", 7, 1) // lighter than it was: then there is room for one more
	w.Add("f", 8, 24)
	if _, ok := w.Get("c"); !ok {
		t.Error("the weight of what was replaced still counts")
	}
}
