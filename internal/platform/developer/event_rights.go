package developer

import (
	"errors"
	"slices"
	"strings"

	"github.com/smoothschedule/smoothschedule/internal/apitoken"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// EventRights are the catalogue of event types and who may read which; *gate.EventGates has them.
type EventRights interface {
	// Types lists all event types, in alphabetical order.
	Types() []string
	// Scope is the scope that API tokens need for a type; empty if none may read it.
	Scope(eventType string) apitoken.Scope
	// Check returns an error for the client if somebody may not read a type.
	Check(p *tenancy.Principal, eventType string) error
}

// anyScope, in place of scopes, stands for all event types, also those that no API token may read.
const anyScope = "*"

// readScopes are what somebody passes on to a webhook for which they choose the event types:
// what their API token may read, or everything if they are a person.
func readScopes(p *tenancy.Principal) []string {
	if p == nil {
		return []string{}
	}
	if p.Token == nil {
		return []string{anyScope}
	}
	return texts(apitoken.Readable(p.Token.Scopes))
}

// matching lists the types of the catalogue that a wanted type stands for: itself, those of a
// noun ("<noun>.*"), or all ("*").
func matching(rights EventRights, wanted string) []string {
	prefix, all := strings.CutSuffix(wanted, "*")
	matched := []string{}
	for _, t := range rights.Types() {
		if t == wanted || all && strings.HasPrefix(t, prefix) {
			matched = append(matched, t)
		}
	}
	return matched
}

// narrow splits wanted types, of which none are all, into types and nouns, in the form in which
// queries take them, and leaves out those that may not be read. A noun stands for all of its types,
// also for those that only a newer server knows; nil types are all events.
func narrow(rights EventRights, wanted []string, may func(eventType string) bool) (types, nouns []string) {
	if len(wanted) == 0 || slices.Contains(wanted, "*") {
		if !slices.ContainsFunc(rights.Types(), func(t string) bool { return !may(t) }) {
			return nil, []string{}
		}
		wanted = []string{}
		for _, t := range rights.Types() {
			noun, _, _ := strings.Cut(t, ".")
			wanted = append(wanted, noun+".*")
		}
		wanted = slices.Compact(wanted)
	}
	types, nouns = []string{}, []string{}
	for _, w := range wanted {
		matched := matching(rights, w)
		allowed := slices.DeleteFunc(slices.Clone(matched), func(t string) bool { return !may(t) })
		if noun, all := strings.CutSuffix(w, ".*"); all && len(allowed) == len(matched) {
			nouns = append(nouns, noun)
		} else {
			types = append(types, allowed...)
		}
	}
	return types, nouns
}

// checkTypes returns an error if one of the wanted types is none of those that exist, or one that
// somebody may not read; "*" is what they may read. Otherwise it would be waited for in vain.
func checkTypes(rights EventRights, p *tenancy.Principal, pointer string, wanted []string) error {
	for _, w := range wanted {
		matched := matching(rights, w)
		if len(matched) == 0 {
			return apperr.NewInvalid(pointer, "There are no events of the type %s.", w)
		}
		if w == "*" {
			continue
		}
		if err := checkAll(rights, p, pointer, matched); err != nil {
			return err
		}
	}
	return nil
}

// checkAll returns an error for the first of the types that somebody may not read. The pointer, if
// there is one, names the part of the request that asks for it.
func checkAll(rights EventRights, p *tenancy.Principal, pointer string, types []string) error {
	for _, t := range types {
		err := rights.Check(p, t)
		if err == nil {
			continue
		}
		var refused *apperr.Error
		if pointer != "" && errors.As(err, &refused) {
			return refused.WithFields(apperr.Field{Pointer: pointer, Detail: refused.Detail})
		}
		return err
	}
	return nil
}
