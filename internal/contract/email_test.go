package contract

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCheckEmail(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		address string
		ok      bool
	}{
		"plain":                    {"name@example.com", true},
		"with a tag":               {"first.last+tag@sub.example.com", true},
		"international local part": {"\u0436\u0435\u043d\u044f@example.com", true},
		"international domain":     {"info@b\u00fccher.example", true},
		"Cyrillic letter that looks like a Latin one": {"n\u0430me@example.com", true}, // no rule of Unicode forbids it
		"composed letter":            {"jos\u00e9@example.com", true},
		"empty":                      {"", false},
		"no domain":                  {"name", false},
		"two at signs":               {"a@b@example.com", false},
		"display name":               {"Name <name@example.com>", false},
		"angle brackets":             {"<name@example.com>", false},
		"space around":               {" name@example.com", false},
		"space within":               {"\"a b\"@example.com", false},
		"decomposed letter":          {"jose\u0301@example.com", false},
		"full-width letter":          {"\uff41dmin@example.com", false},
		"full-width at sign":         {"name\uff20example.com", false},
		"ligature":                   {"o\ufb03ce@example.com", false},
		"zero-width space":           {"na\u200bme@example.com", false},
		"zero-width joiner":          {"na\u200dme@example.com", false},
		"soft hyphen":                {"na\u00adme@example.com", false},
		"word joiner":                {"name@exam\u2060ple.com", false},
		"byte order mark":            {"\ufeffname@example.com", false},
		"right-to-left override":     {"na\u202eme@example.com", false},
		"no-break space":             {"na\u00a0me@example.com", false},
		"ideographic space":          {"na\u3000me@example.com", false},
		"line separator":             {"na\u2028me@example.com", false},
		"private use":                {"na\ue000me@example.com", false},
		"control":                    {"na\x00me@example.com", false},
		"line break":                 {"name@example.com\n", false},
		"not UTF-8":                  {"na\xffme@example.com", false},
		"tag character":              {"na\U000e0061me@example.com", false},
		"look-alike of another form": {"\u212a@example.com", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := checkEmail(test.address)
			if test.ok {
				require.NoError(t, err, "%q", test.address)
			} else {
				require.ErrorContains(t, err, "must be an e-mail address", "%q", test.address)
			}
		})
	}
}
