package identity

import (
	"slices"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
)

// localSuffixes are names that mean something else on every network (RFC 6761, RFC 8375),
// or are no names of hosts.
var localSuffixes = []string{"localhost", "local", "internal", "intranet", "lan", "home.arpa", "arpa", "onion", "invalid"}

// normalizeDomain brings a name of a business's own into the form that is stored: ASCII
// (IDNA, RFC 5891) in lower case without the dot at the end. It must be below a suffix
// under which one can register names (publicsuffix.org), and neither ours nor local.
// Errors: ValidationFailed.
func normalizeDomain(name string, bases []string) (string, error) {
	ascii, err := idna.Lookup.ToASCII(strings.TrimSuffix(strings.TrimSpace(name), "."))
	if err != nil || !domainForm.MatchString(ascii) || len(recordLabel)+len(ascii) > 253 || endsInDigits(ascii) {
		return "", apperr.NewInvalid("/name", "This is not the name of a host, such as book.salon.example.").WithCause(err)
	}
	below := func(suffix string) bool { return hasSuffixLabel(ascii, suffix) }
	if slices.ContainsFunc(bases, below) {
		return "", apperr.NewInvalid("/name", "This name belongs to the platform. A business changes its subdomain instead.")
	}
	if slices.ContainsFunc(localSuffixes, below) {
		return "", apperr.NewInvalid("/name", "This name does not lead to one place on the internet.")
	}
	if _, err := publicsuffix.EffectiveTLDPlusOne(ascii); err != nil {
		return "", apperr.NewInvalid("/name", "Names are registered below this one, so nobody owns it.").WithCause(err)
	}
	return ascii, nil
}

// endsInDigits is true for addresses, which are no names.
func endsInDigits(name string) bool {
	last := name[strings.LastIndexByte(name, '.')+1:]
	return strings.Trim(last, "0123456789") == ""
}
