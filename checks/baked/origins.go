package baked

import "github.com/sluicegate/sluice/checks/environments"

// Origin is where an environment's value stands.
type Origin struct {
	Path, Environment, Key string
}

// Origins finds which of the candidates are values of some environments alone, and where. A value that is shared by
// an environment's whole family, or stands in what a family shares, is nobody's own. Without candidates all values are
// looked at.
func Origins(layout *environments.Layout, texts map[string]string, candidates map[string]bool) map[string]Origin {
	common := map[string]bool{}
	own := map[string]Origin{}
	for _, fam := range layout.Families {
		for _, b := range fam.Base {
			eachIn(b, texts[b], candidates, func(v, _ string) { common[v] = true })
		}
		in := map[string]map[string]bool{}
		for _, x := range fam.Files {
			eachIn(x.Path, texts[x.Path], candidates, func(v, key string) {
				if in[v] == nil {
					in[v] = map[string]bool{}
				}
				in[v][x.Environment] = true
				if _, known := own[v]; !known {
					own[v] = Origin{x.Path, x.Environment, key}
				}
			})
		}
		all := len(fam.Environments())
		for v, envs := range in {
			if all > 1 && len(envs) == all {
				common[v] = true
			}
		}
	}
	for v := range common {
		delete(own, v)
	}
	return own
}

// eachIn calls visit for the candidates among the values of one file. The text is parsed only if one of them occurs.
func eachIn(p, text string, candidates map[string]bool, visit func(value, key string)) {
	occurs := candidates == nil
	if !occurs {
		eachValue(text, true, func(v string, _ int) { occurs = occurs || candidates[v] })
	}
	if !occurs {
		return
	}
	keys, err := environments.Parse(p, text)
	if err != nil {
		return
	}
	for _, k := range keys {
		eachValue(k.Value, true, func(v string, _ int) {
			if candidates == nil || candidates[v] {
				visit(v, k.Path)
			}
		})
	}
}
