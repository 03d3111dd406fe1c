// Package sluice holds what stands at the top of the repository and is needed inside the program: app.yml, which says what the
// GitHub App asks for, so that the page that makes an App and the page that describes one cannot differ.
//
// It refuses to hold anything else.
package sluice

import _ "embed"

// App is app.yml.
//
//go:embed app.yml
var App []byte
