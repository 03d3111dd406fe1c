package changelog

import "strings"

// margin is how much unchanged text behind a difference is read with it, in bytes: enough for a version or two.
const margin = 1 << 10

// sentinel is a heading that no changelog has.
const sentinel = "# sluice reads no further\n"

// Around cuts from two texts what is the same behind their difference: before a heading that names a version, with a
// heading of its own put there. Where Parse finds that heading, File.Sealed, no comment or fence was open at the cut,
// so what is left reads as it does in the whole. cut is false when there is little to gain.
func Around(name, before, after string) (b, a string, cut bool) {
	if format(name, after) != Markdown || strings.IndexByte(before, '\r') >= 0 || strings.IndexByte(after, '\r') >= 0 {
		return before, after, false
	}
	n := commonEnd(before, after)
	tail := after[len(after)-n:]
	if n < 4*margin {
		return before, after, false
	}
	at := place(tail, margin)
	if at < 0 {
		return before, after, false
	}
	return before[:len(before)-n+at] + sentinel, after[:len(after)-n+at] + sentinel, true
}

// commonEnd is how many bytes two texts share at their end.
func commonEnd(a, b string) int {
	n := 0
	for limit := min(len(a), len(b)); n+4096 <= limit && a[len(a)-n-4096:len(a)-n] == b[len(b)-n-4096:len(b)-n]; {
		n += 4096
	}
	for n < len(a) && n < len(b) && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	return n
}

// place finds a heading with a version, at least from bytes into the text, with a blank line before it.
func place(text string, from int) int {
	for i := from; i < len(text); {
		j := strings.Index(text[i:], "\n\n#")
		if j < 0 || i+j+2 >= 64*margin {
			return -1
		}
		i += j + 2
		line := text[i:]
		if e := strings.IndexByte(line, '\n'); e >= 0 {
			line = line[:e]
		}
		if t := parseTitle(line); t.kind == versionTitle && !t.weak {
			return i
		}
	}
	return -1
}
