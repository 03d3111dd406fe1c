package changelog

import (
	"slices"
	"strings"
)

// settle works out what is newest.
func (f *File) settle() {
	f.Ascending = f.ascends()
	f.retire()
	if len(f.Pending) > 0 {
		f.Unreleased = f.Pending[0]
	}
	for i := range f.Versions {
		v := f.Versions[i]
		if f.Ascending {
			v = f.Versions[len(f.Versions)-1-i]
		}
		if !v.Bad {
			f.Latest = v.Version
			return
		}
	}
}

// retire moves sections that are called unreleased and have long been overtaken to the versions: those below a later
// release of their own line, "0.7.0 (unreleased)" below 0.7.1.
func (f *File) retire() {
	if len(f.Pending) == 0 || len(f.Versions) == 0 {
		return
	}
	if first, last := f.Versions[0].Line, f.Versions[len(f.Versions)-1].Line; !slices.ContainsFunc(f.Pending, func(s *Section) bool {
		return !f.Ascending && s.Line > first || f.Ascending && s.Line < last
	}) {
		return
	}
	above := f.overtaking()
	kept, moved := f.Pending[:0], false
	for _, s := range f.Pending {
		v := above[s.Package]
		if s.Version != "" {
			if v = above[s.Package+"\x00"+release(s.Version)]; v != nil && Compare(v.Version, s.Version) <= 0 {
				v = nil
			}
		} else if len(f.Versions) < 2 {
			v = nil // with one version nobody can tell which end is the newer
		}
		if v == nil || f.Ascending != (v.Line > s.Line) {
			kept = append(kept, s)
			continue
		}
		old := &Version{Section: *s, Bad: s.Version == ""}
		if old.Bad {
			old.Version = s.Title
		}
		f.Versions, moved = append(f.Versions, old), true
	}
	if f.Pending = kept; moved {
		slices.SortStableFunc(f.Versions, func(a, b *Version) int { return a.Line - b.Line })
	}
}

// overtaking gives for each package, and for each line of releases in it, the newest version of the file.
func (f *File) overtaking() map[string]*Version {
	all := map[string]*Version{}
	for i := range f.Versions {
		v := f.Versions[i]
		if f.Ascending {
			v = f.Versions[len(f.Versions)-1-i]
		}
		if v.Bad {
			continue
		}
		for _, key := range []string{v.Package, v.Package + "\x00" + release(v.Version)} {
			if all[key] == nil {
				all[key] = v
			}
		}
	}
	return all
}

// ascends says whether the versions go from old to new: by their dates, or without dates by their numbers.
func (f *File) ascends() bool {
	up, down := 0, 0
	for i := 1; i < len(f.Versions); i++ {
		a, b := f.Versions[i-1], f.Versions[i]
		order := strings.Compare(a.Date, b.Date)
		if a.Date == "" || b.Date == "" || order == 0 {
			order = Compare(a.Version, b.Version)
		}
		switch {
		case order < 0:
			up++
		case order > 0:
			down++
		}
	}
	return up > down
}

// Newest is the newest version, or nil.
func (f *File) Newest() *Version {
	if len(f.Versions) == 0 {
		return nil
	}
	if f.Ascending {
		return f.Versions[len(f.Versions)-1]
	}
	return f.Versions[0]
}

// Reopen makes the version with that key one that is to be released, if it is the newest and bears no date, or the
// file is a ChangeLog, where the newest day is still being written.
func (f *File) Reopen(key string) {
	v := f.Newest()
	if v == nil || v.Key() != key || v.Written != "" && f.Style != GNU {
		return
	}
	f.Versions = slices.DeleteFunc(f.Versions, func(o *Version) bool { return o == v })
	f.Pending = append(f.Pending, &v.Section)
	f.Unreleased = f.Pending[0]
}
