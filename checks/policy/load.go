package policy

import "errors"

// Load reads the policies found, the repository's first, and returns what is in force. With no source it is the
// defaults. A broken source gives Problems, all of them, each with file, line and column.
func Load(sources ...Source) (*Set, error) {
	return nil, errors.New("not written yet")
}

// Rule says where the value at a key path came from: ".sluice.yml:12 changelog.exempt", or "default changelog".
func (p *Policy) Rule(path string) string { return "default " + path }
