package gate

import "time"

// Setup is a part of what was set up by the page. What it holds is sealed.
type Setup struct {
	Name    string
	Sealed  []byte
	Version int64 // whoever changes it says which one was read
	At      time.Time
}
