package versions

import "strings"

// movingName says whether a tag's last word is one of those that people move from release to release.
func movingName(tag string) bool {
	word := tag
	if i := strings.LastIndexAny(tag, "/@"); i >= 0 {
		if _, v, ok := split(tag[:i]); ok && v.count > 1 {
			return false // v8.0.0@next
		}
		word = tag[i+1:]
	}
	if i := strings.LastIndexByte(word, '-'); i > 0 {
		switch word[i+1:] {
		case "latest", "stable", "nightly", "edge", "canary": // cli-latest
			return true
		}
	}
	return movingWord(word) || wildcard(word)
}

func movingWord(word string) bool {
	switch strings.ToLower(word) {
	case "latest", "stable", "nightly", "edge", "canary", "current", "next", "lts", "tip", "head", "dev", "develop", "main",
		"master", "snapshot", "unstable", "rolling", "continuous", "newest", "prod", "production", "staging":
		return true
	}
	return false
}

// wildcard recognises 1.x, v2.x and 1.2.x.
func wildcard(word string) bool {
	core, ok := strings.CutSuffix(strings.ToLower(word), ".x")
	if !ok {
		return false
	}
	_, v, found := split(core)
	return found && v.suffix == ""
}

// Short says whether the text of a version with fewer numbers than a release has, such as 1 or 1.2, is one that moves
// along with the releases there are: 1 where there is a 1.2.3, 1.2 where there is a 1.2.0 too. A 1.7 that stands by
// itself is a release of its own.
func (s Scheme) Short(text string, there []Version) bool {
	v, ok := scan(text)
	return ok && s.tokens == nil && s.pattern == nil && companionsOf(there, nil).moves(v, "")
}

// companions are the releases of three numbers and more, by what shorter tags have in common with them.
type companions struct {
	major  map[uint64]bool    // there is a release 1.something
	zero   map[[2]uint64]bool // there is a release 1.2.0
	commit map[string]Version // a release at that commit
}

// companionsOf makes an index of the versions; commit may be nil.
func companionsOf(there []Version, commit func(Version) string) companions {
	c := companions{major: map[uint64]bool{}, zero: map[[2]uint64]bool{}, commit: map[string]Version{}}
	for _, v := range there {
		if v.count < 3 {
			continue
		}
		c.major[v.nums[0]] = true
		if v.Number(2) == 0 && !v.Prerelease() {
			c.zero[[2]uint64{v.nums[0], v.nums[1]}] = true
		}
		if commit != nil && commit(v) != "" {
			c.commit[commit(v)] = v
		}
	}
	return c
}

func (c companions) moves(v Version, commit string) bool {
	switch {
	case v.suffix != "" || v.shape.build:
		return false
	case v.count == 1:
		return c.major[v.nums[0]]
	case v.count != 2:
		return false
	}
	same, found := c.commit[commit]
	return c.zero[[2]uint64{v.nums[0], v.nums[1]}] || commit != "" && found && same.sameLine(v, 2)
}
