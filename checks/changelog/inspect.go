package changelog

// Inspection is what `sluice inspect changelog --json` prints.
type Inspection struct {
	Files     []InspectedFile `json:"files"`
	Fragments []string        `json:"fragments"`
}

// InspectedFile is one changelog as read.
type InspectedFile struct {
	Path       string               `json:"path"`
	Style      Style                `json:"style"`
	Unreleased *InspectedUnreleased `json:"unreleased"`
	Latest     string               `json:"latest"`
	Versions   []InspectedVersion   `json:"versions"`
}

// InspectedUnreleased says where what is to be released stands, and how many entries it has.
type InspectedUnreleased struct {
	Line    int `json:"line"`
	Entries int `json:"entries"`
}

// InspectedVersion is one released version. Date is YYYY-MM-DD, or "" where there is none or it cannot be told.
type InspectedVersion struct {
	Version string `json:"version"`
	Line    int    `json:"line"`
	Date    string `json:"date"`
	Yanked  bool   `json:"yanked"`
}

// Inspect makes the report of files that were parsed and fragments that were found. No list in it is null.
func Inspect(files []*File, fragments []string) Inspection {
	all := Inspection{Files: []InspectedFile{}, Fragments: append([]string{}, fragments...)}
	for _, f := range files {
		i := InspectedFile{Path: f.Path, Style: f.Style, Latest: f.Latest, Versions: []InspectedVersion{}}
		if f.Unreleased != nil {
			i.Unreleased = &InspectedUnreleased{Line: f.Unreleased.Line, Entries: Count(f.Unreleased.Entries)}
		}
		for _, v := range f.Versions {
			if !v.Bad {
				i.Versions = append(i.Versions, InspectedVersion{v.Version, v.Line, v.Date, v.Yanked})
			}
		}
		all.Files = append(all.Files, i)
	}
	return all
}
