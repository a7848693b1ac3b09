// Package names owns the rule for names that people give to things and to each other:
// customers, services, businesses, tags, titles. It calls nobody.
//
// A name is kept in the form of Clean and fits Check. The contract's format "name" is Check,
// the type of such a field is Name, and the database function is_name is a part of Check, so a
// name that the contract accepts is never refused later.
package names

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// MaxLength is how many characters (code points) a name may have.
const MaxLength = 255

// Rule is what Check demands, for error texts.
const Rule = "must have 1 to 255 characters, at least one of them visible, and no control or bidirectional override characters."

var errName = errors.New(Rule) //nolint:staticcheck // clients are shown it as a sentence

// Name is a name in a request. It is in the form of Clean once it has been read.
type Name string

// UnmarshalJSON implements json.Unmarshaler.
func (n *Name) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	*n = Name(Clean(text))
	return nil
}

// Strings returns the names as strings.
func Strings(names []Name) []string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = string(name)
	}
	return list
}

// Clean returns the name in Unicode's Normalization Form C, without white space and
// zero-width spaces around it.
func Clean(name string) string {
	return strings.TrimFunc(norm.NFC.String(name), func(r rune) bool {
		switch r {
		case '\u200B', '\u2060', '\uFEFF': // zero-width space, word joiner, byte order mark
			return true
		}
		return unicode.IsSpace(r)
	})
}

// Check returns an error unless the name, in the form of Clean, has 1 to MaxLength
// characters, at least one of them visible, and none that is a control, a separator of lines
// or paragraphs, or changes the direction of the text around it. Joiners, direction marks and
// variation selectors are part of how some languages and emoji are written.
func Check(name string) error {
	name = Clean(name)
	if utf8.RuneCountInString(name) > MaxLength || strings.ContainsFunc(name, forbidden) || !strings.ContainsFunc(name, visible) {
		return errName
	}
	return nil
}

// Visible reports whether the text shows anything.
func Visible(text string) bool { return strings.ContainsFunc(norm.NFC.String(text), visible) }

func forbidden(r rune) bool {
	switch {
	case unicode.Is(unicode.Cc, r), unicode.In(r, unicode.Zl, unicode.Zp):
		return true
	case r >= '\u202A' && r <= '\u202E', r >= '\u2066' && r <= '\u2069': // embeddings, overrides, isolates
		return true
	}
	return false
}

// visible is whether a character can be seen by itself. One that Unicode does not know yet is
// taken for visible.
func visible(r rune) bool {
	return !unicode.In(r, unicode.Z, unicode.Cc, unicode.Cf, unicode.M, unicode.Other_Default_Ignorable_Code_Point,
		unicode.Noncharacter_Code_Point) && r != '\u2800' // the Braille pattern without dots
}
