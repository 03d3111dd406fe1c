package gate

import "testing"

func TestOnlyTheForgesOwnCallbackFits(t *testing.T) {
	t.Parallel()
	const (
		hub  = "https://api.github.com"
		own  = "https://git.acme.example/api/v3"
		path = "/repos/acme/shop/actions/runs/17/deployment_protection_rule"
	)
	for name, c := range map[string]struct {
		api, callback string
		want          int64 // 0: refused
	}{
		"GitHub's own":                          {hub, hub + path, 17},
		"a server's own":                        {own, own + path, 17},
		"with a port, as configured":            {"http://127.0.0.1:9200/api/v3", "http://127.0.0.1:9200/api/v3" + path, 17},
		"another case of host and repository":   {hub, "https://API.github.com/repos/Acme/Shop/actions/runs/17/deployment_protection_rule", 17},
		"a large run":                           {hub, hub + "/repos/acme/shop/actions/runs/9223372036854775807/deployment_protection_rule", 9223372036854775807},
		"another host":                          {hub, "https://evil.example" + path, 0},
		"a host that begins like it":            {hub, "https://api.github.com.evil.example" + path, 0},
		"a host that ends like it":              {hub, "https://evil-api.github.com" + path, 0},
		"a name before another host":            {hub, "https://api.github.com@evil.example" + path, 0},
		"a name before the host":                {hub, "https://evil@api.github.com" + path, 0},
		"a name and a password before the host": {hub, "https://a:b@api.github.com" + path, 0},
		"a port":                                {hub, "https://api.github.com:443" + path, 0},
		"another port":                          {"http://127.0.0.1:9200/api/v3", "http://127.0.0.1:9201/api/v3" + path, 0},
		"http for https":                        {hub, "http://api.github.com" + path, 0},
		"another scheme":                        {hub, "ftp://api.github.com" + path, 0},
		"no scheme":                             {hub, "//api.github.com" + path, 0},
		"a path alone":                          {hub, path, 0},
		"an opaque address":                     {hub, "https:api.github.com" + path, 0},
		"GitHub's path at a server":             {own, "https://git.acme.example" + path, 0},
		"a server's path at GitHub":             {hub, hub + "/api/v3" + path, 0},
		"another repository":                    {hub, hub + "/repos/acme/bank/actions/runs/17/deployment_protection_rule", 0},
		"a repository that begins like it":      {hub, hub + "/repos/acme/shop2/actions/runs/17/deployment_protection_rule", 0},
		"another owner":                         {hub, hub + "/repos/evil/shop/actions/runs/17/deployment_protection_rule", 0},
		"a slash that is escaped":               {hub, hub + "/repos/acme%2Fshop/actions/runs/17/deployment_protection_rule", 0},
		"a run that is escaped":                 {hub, hub + "/repos/acme/shop/actions/runs/%31%37/deployment_protection_rule", 0},
		"steps upwards":                         {hub, hub + "/repos/acme/shop/../../evil/x/actions/runs/17/deployment_protection_rule", 0},
		"steps upwards behind":                  {hub, hub + path + "/../cancel", 0},
		"a slash too many":                      {hub, hub + "//repos/acme/shop/actions/runs/17/deployment_protection_rule", 0},
		"a slash behind":                        {hub, hub + path + "/", 0},
		"more path behind":                      {hub, hub + path + "/x", 0},
		"a query":                               {hub, hub + path + "?x=1", 0},
		"an empty query":                        {hub, hub + path + "?", 0},
		"a fragment":                            {hub, hub + path + "#x", 0},
		"an empty fragment":                     {hub, hub + path + "#", 0},
		"a backslash":                           {hub, `https://api.github.com\@evil.example` + path, 0},
		"a line break":                          {hub, hub + path + "\n", 0},
		"a letter that folds to another":        {hub, "https://api.github.com/repos/acme/\u017fhop/actions/runs/17/deployment_protection_rule", 0},
		"no run":                                {hub, hub + "/repos/acme/shop/actions/runs//deployment_protection_rule", 0},
		"run zero":                              {hub, hub + "/repos/acme/shop/actions/runs/0/deployment_protection_rule", 0},
		"a negative run":                        {hub, hub + "/repos/acme/shop/actions/runs/-17/deployment_protection_rule", 0},
		"a run with a sign":                     {hub, hub + "/repos/acme/shop/actions/runs/+17/deployment_protection_rule", 0},
		"a run with a zero before":              {hub, hub + "/repos/acme/shop/actions/runs/017/deployment_protection_rule", 0},
		"a run in hexadecimal":                  {hub, hub + "/repos/acme/shop/actions/runs/0x11/deployment_protection_rule", 0},
		"a run too large":                       {hub, hub + "/repos/acme/shop/actions/runs/9223372036854775808/deployment_protection_rule", 0},
		"two runs":                              {hub, hub + "/repos/acme/shop/actions/runs/17/18/deployment_protection_rule", 0},
		"something else of the run":             {hub, hub + "/repos/acme/shop/actions/runs/17/cancel", 0},
		"nothing":                               {hub, "", 0},
		"no forge configured":                   {"", hub + path, 0},
	} {
		got, err := CallbackFits(c.api, "acme/shop", c.callback)
		if got != c.want || (err == nil) != (c.want != 0) {
			t.Errorf("%s: CallbackFits(%q, %q) = %d, %v; want %d", name, c.api, c.callback, got, err, c.want)
		}
	}
	if _, err := CallbackFits(hub, "", hub+"/repos//actions/runs/17/deployment_protection_rule"); err == nil {
		t.Error("fits without a repository")
	}
}
