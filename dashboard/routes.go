package dashboard

import "net/http"

// routes are the pages for people who signed in.
func (b *Board) routes(mux *http.ServeMux) {
	for path, serve := range map[string]func(*visitor) (*page, string, error){
		"GET /{$}":                                          overview,
		"GET /repos/{forge}/{repo...}":                      repository,
		"GET /changes/{forge}/{number}/{repo...}":           change,
		"GET /environments/{forge}/{environment}/{repo...}": environment,
		"GET /promotions/{id}":                              promotion,
		"GET /ask/{word}/{forge}/{environment}/{repo...}":   confirm,
		"POST /ask/{word}/{forge}/{environment}/{repo...}":  askFor,
		"GET /asks/{id}":                                    asked,
		"GET /audit":                                        auditLog,
		"GET /overrides":                                    overrides,
		"GET /calendar":                                     calendarPage,
		"GET /calendar/{forge}/{repo...}":                   calendarPage,
		"GET /metrics/deployments":                          deployments,
		"GET /inbox":                                        inbox,
		"POST /inbox":                                       retry,
		"GET /doctor":                                       doctor,
		"GET /policy/{forge}/{repo...}":                     policyPage,
		"POST /policy/{forge}/{repo...}":                    policyPage,
	} {
		mux.HandleFunc(path, b.signedIn(serve))
	}
	mux.HandleFunc("GET /live", b.live)
}
