package dashboard

import "testing"

// What is asked goes to the forge that is meant, whatever the depth of the repository, or to none.
func TestWhichForgeIsMeant(t *testing.T) {
	t.Parallel()
	both, one := []string{"github", "gitlab"}, []string{"gitlab"}
	const body = `{"by": "olga"}`
	for name, c := range map[string]struct {
		forges           []string
		path             string
		want             int
		wantForge, wantR string
	}{
		"the only one":            {one, "acme/shop/environments/production/promotions", 202, "gitlab", "acme/shop"},
		"named":                   {both, "acme/shop/environments/production/promotions?forge=gitlab", 202, "gitlab", "acme/shop"},
		"below a group":           {both, "acme%2Fplatform/shop/environments/production/promotions?forge=gitlab", 202, "gitlab", "acme/platform/shop"},
		"deep below":              {one, "acme%2Fplatform%2Fteam/shop/environments/production/promotions", 202, "gitlab", "acme/platform/team/shop"},
		"one of two, not said":    {both, "acme/shop/environments/production/promotions", 422, "", ""},
		"not configured":          {one, "acme/shop/environments/production/promotions?forge=github", 404, "", ""},
		"none configured":         {nil, "acme/shop/environments/production/promotions", 404, "", ""},
		"a path that climbs":      {one, "acme%2F..%2Fother/shop/environments/production/promotions", 404, "", ""},
		"an empty part of a path": {one, "acme%2F%2Fother/shop/environments/production/promotions", 404, "", ""},
	} {
		s, a := api()
		a.Forges = c.forges
		w := answered(t, a, sent("POST", "/api/v1/repos/"+c.path, body))
		if w.Code != c.want || (len(s.kept) > 0) != (c.want == 202) {
			t.Errorf("%s: %d %s, %d kept, want %d", name, w.Code, w.Body, len(s.kept), c.want)
		}
		for _, x := range s.kept {
			if x.Forge != c.wantForge || x.Repo != c.wantR {
				t.Errorf("%s: asked of %s at %s, want %s at %s", name, x.Repo, x.Forge, c.wantR, c.wantForge)
			}
		}
	}
}
