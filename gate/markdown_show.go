package gate

// A forge that has no room for annotations beside lines is shown them in a text, under the same rules as all that is
// written for people here.

// Escape makes a hostile string into one line of Markdown text: no link, no image, no mention, no HTML comes out of it.
func Escape(s string) string { return escape(s) }

// CodeSpan shows a hostile string as code within a line of Markdown.
func CodeSpan(s string) string { return codeSpan(s) }
