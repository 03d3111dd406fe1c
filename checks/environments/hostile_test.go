package environments

import "testing"

// Some letters take more bytes in lower case than in upper, and bytes that are no text take three.
func TestNamesThatGrowInLowerCase(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]Kind{"\u023a\u023a.Cs": Code, "\u023aTest.cs": Test, "\xdc\xdc.Cs": Code, "src/\u023e.TS": Code, "\u023aIT.java": Code} {
		if got := KindOf(path); got != want {
			t.Errorf("KindOf(%q) = %v, want %v", path, got, want)
		}
	}
}

func FuzzKindOf(f *testing.F) {
	for _, s := range []string{"a.go", "\u023a\u023a.Cs", "\xdc.Ts", "config/\u0130/prod.yml", "deploy/prod/x.tf", "/", "", "a//b", ".env.\u023a"} {
		f.Add(s)
	}
	finder := NewFinder(nil, nil, "production", "staging")
	f.Fuzz(func(t *testing.T, path string) {
		KindOf(path)
		Readable(path)
		finder.Candidate(path)
		finder.Find([]string{path, "config/production.yml", "config/" + path})
	})
}
