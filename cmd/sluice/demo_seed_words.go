package main

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/sluicegate/sluice/checks"
)

// What a made-up place is called, and what its people write.

func seedTeams() []string {
	return strings.Fields("accounts basket billing booking catalogue checkout claims consent content courier credit customs delivery discounts explore fleet fraud gateway identity insights inventory ledger logistics loyalty mobile notify orders payments platform pricing quotes returns reviews search shipping storefront support tax treasury warehouse")
}

func seedParts() []string {
	return strings.Fields("api web worker gateway importer exporter scheduler events search-index mailer reports admin sync webhooks cache rules ui batch proxy archive")
}

func seedLogins() []string {
	return strings.Fields("ana bo cy dana emre finn grace hal ines jo kofi lena mio nils oyuki pia quentin rosa sam tove umut vera wim xenia yara zeno aisha bruno clara dmitri esme farid greta hugo ida jens kaya luis maren nadia")
}

// seedRepo is the name of one: the same number always has the same.
func seedRepo(i int) string {
	teams, parts := seedTeams(), seedParts()
	name := fmt.Sprintf("%s/%s-%s", teams[i%len(teams)], teams[i%len(teams)], parts[i/len(teams)%len(parts)])
	if n := i / (len(teams) * len(parts)); n > 0 {
		name += fmt.Sprintf("-%d", n+1)
	}
	return name
}

func seedPerson(n int) checks.Person {
	logins := seedLogins()
	n %= len(logins)
	return checks.Person{ID: int64(n + 7), Login: logins[n], Kind: "user"}
}

// seedTitle is what a change is called.
func seedTitle(dice *rand.Rand) string {
	pick := func(words string) string {
		list := strings.Split(words, "|")
		return list[dice.IntN(len(list))]
	}
	switch dice.IntN(4) {
	case 0:
		return "fix: " + pick("retries of|rounding in|a race in|the time zone of|empty answers of|a leak in|paging of") + " " + pick("the export|refunds|the nightly batch|webhooks|address look-ups|the price list|sign-in")
	case 1:
		return "chore: " + pick("bump|pin|drop|replace") + " " + pick("the base image|grpc|the linter|log4j|the JSON parser|protobuf|the test database")
	case 2:
		return "refactor: " + pick("split|rename|move|simplify") + " " + pick("the order model|the mapper|feature flags|the retry policy|configuration loading")
	}
	return "feat: " + pick("gift cards|wish lists|partial refunds|a dark mode|bulk import|tax for|audit trails for|search by") + " " + pick("the shop|couriers|company accounts|mobile|number|returns|Switzerland")
}

func seedReason(dice *rand.Rand) string {
	list := []string{"The fix for the outage of this morning; the entry follows.", "Release manager on leave, agreed by phone.", "Only a comment changes.", "Certificates end tonight.", "The scanner takes a test key for a secret.", "Wird im nächsten Release nachgezogen.", "顧客対応のため先に出します。"}
	return list[dice.IntN(len(list))]
}

// seedFiles are what a change touches.
func seedFiles(dice *rand.Rand) (list []checks.File) {
	all := []string{"CHANGELOG.md", "internal/order/total.go", "internal/order/total_test.go", "internal/http/routes.go", "config/production.yml", "config/staging.yml", "migrations/0042_refund.sql", "go.mod", "go.sum",
		".github/workflows/build.yml", "web/src/basket.ts", "web/src/basket.test.ts", "docs/runbook.md", "CODEOWNERS"}
	for _, path := range all {
		if dice.IntN(3) == 0 {
			list = append(list, checks.File{Path: path, Status: "modified", Additions: 1 + dice.IntN(80), Deletions: dice.IntN(20)})
		}
	}
	return list
}
