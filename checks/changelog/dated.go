package changelog

import "strings"

// debian reads the format of Debian's packages: a heading with the version in parentheses, items, and a line with
// who and when at the end. The distribution UNRELEASED stands for what is to come.
func debian(source string, left *budget) []block {
	open := -1
	l := &liner{left: left, all: strings.Split(source, "\n"), rst: true}
	for l.i < len(l.all) {
		line := l.all[l.i]
		if m := debianHead.FindStringSubmatch(line); m != nil {
			t := title{kind: versionTitle, version: m[1]}
			if strings.EqualFold(strings.TrimSpace(m[2]), "unreleased") {
				t.kind = pendingTitle
			}
			l.blocks = append(l.blocks, block{kind: headingBlock, level: 1, line: l.i + 1, end: l.i + 1, text: line, title: &t})
			open = len(l.blocks) - 1
			l.i, l.depths = l.i+1, nil
			continue
		}
		if m := debianFoot.FindStringSubmatch(line); m != nil {
			if open >= 0 {
				l.blocks[open].title.date, _, _ = findDate(m[1])
			}
			open = -1
			l.i++
			continue
		}
		if strings.HasPrefix(strings.TrimSpace(line), "[ ") && strings.HasSuffix(strings.TrimSpace(line), " ]") {
			l.i++ // whose work follows
			continue
		}
		l.next()
	}
	return l.blocks
}

// gnu reads a ChangeLog: a heading for each day and author. Nothing in it is released; the days stand for versions.
func gnu(source string, left *budget) []block {
	l := &liner{left: left, all: strings.Split(source, "\n"), rst: true}
	for l.i < len(l.all) {
		line := l.all[l.i]
		if !gnuHead.MatchString(line) {
			l.next()
			continue
		}
		d, _, end := findDate(line)
		t := title{kind: versionTitle, version: d.String(), date: d, pkg: squeeze(line[end:])}
		if t.version == "" {
			t.version = d.text
		}
		l.blocks = append(l.blocks, block{kind: headingBlock, level: 1, line: l.i + 1, end: l.i + 1, text: line, title: &t})
		l.i, l.depths = l.i+1, nil
	}
	return l.blocks
}
