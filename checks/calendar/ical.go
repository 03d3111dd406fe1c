package calendar

import "fmt"

// Read returns the freezes in an iCalendar text that touch the span.
func Read(name, text, timezone string, during Span) ([]Freeze, error) {
	return nil, fmt.Errorf("%s: iCalendar is not read yet", name)
}
