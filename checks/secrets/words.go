package secrets

import (
	"bytes"
	"cmp"
	"slices"
)

// words finds many words in a text at once. It is made anew for every run of the program, so it has to be made fast and
// be small: an automaton of gitleaks' words takes tens of megabytes, and longer to make than most changes to search.
type words struct {
	all    [][]byte
	begin  int                // how many bytes of a word its place in starts goes by
	starts map[uint32][]int32 // words by their first bytes
	some   [1 << 9]uint64     // a bit for each beginning that there may be
}

// newWords makes a search for words in lower case, none of which is empty.
func newWords(list []string) *words {
	w := &words{begin: 3, starts: make(map[uint32][]int32, len(list))}
	for _, s := range list {
		w.all = append(w.all, []byte(s))
		w.begin = min(w.begin, len(s))
	}
	for i, word := range w.all {
		b := w.beginning(word)
		w.starts[b] = append(w.starts[b], int32(i)) //nolint:gosec // a few thousand
		w.some[bit(b)>>6] |= 1 << (bit(b) & 63)
	}
	return w
}

func (w *words) beginning(s []byte) (b uint32) {
	for _, c := range s[:w.begin] {
		b = b<<8 | uint32(c)
	}
	return b
}

// bit spreads beginnings over the bits of some.
func bit(beginning uint32) uint32 { return (beginning ^ beginning>>3 ^ beginning>>6) & (1<<15 - 1) }

// hit is a word in a text.
type hit struct{ from, to, word int }

// walk calls do for every place of every word, by where they end and then by where they start; text is in lower case.
func (w *words) walk(text []byte, do func(hit) bool) {
	var ahead []hit // found, and others may still end before them
	mask, b := uint32(1)<<(8*w.begin)-1, uint32(0)
	for at, c := range text {
		b = (b<<8 | uint32(c)) & mask
		i := at - w.begin + 1
		if i < 0 || w.some[bit(b)>>6]&(1<<(bit(b)&63)) == 0 {
			continue
		}
		found := w.starts[b]
		if len(found) == 0 {
			continue
		}
		sure := 0
		for sure < len(ahead) && ahead[sure].to <= i {
			if !do(ahead[sure]) {
				return
			}
			sure++
		}
		ahead = append(ahead[:0], ahead[sure:]...)
		before := len(ahead)
		for _, n := range found {
			if word := w.all[n]; bytes.HasPrefix(text[i:], word) {
				ahead = append(ahead, hit{i, i + len(word), int(n)})
			}
		}
		if len(ahead) > before {
			slices.SortFunc(ahead, func(a, b hit) int { return cmp.Or(cmp.Compare(a.to, b.to), cmp.Compare(a.from, b.from)) })
		}
	}
	for _, h := range ahead {
		if !do(h) {
			return
		}
	}
}

// in says whether any of the words is in a text in lower case.
func (w *words) in(text string) (found bool) {
	w.walk([]byte(text), func(hit) bool {
		found = true
		return false
	})
	return found
}
