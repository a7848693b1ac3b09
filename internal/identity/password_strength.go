package identity

import (
	"context"
	"slices"
	"strings"
	"unicode"

	"github.com/ccojocar/zxcvbn-go"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
)

const (
	// minPasswordBits refuses passwords that are among the first million that would be guessed.
	minPasswordBits = 20
	// estimatedRunes is how much of a password is estimated: the time that it takes grows
	// with the fourth power of the length. What follows only makes a password stronger.
	estimatedRunes = 16
)

// HashNew is Hash for a password that somebody has just chosen, with what is known about them,
// such as their address and name. Errors: ValidationFailed at the pointer for one that is easily guessed.
func (h *Hasher) HashNew(ctx context.Context, pointer, password string, about ...string) (string, error) {
	var weak bool
	err := h.inTurn(ctx, func() error {
		weak = isWeak(password, about)
		return nil
	})
	if err != nil {
		return "", err
	}
	if weak {
		return "", apperr.NewInvalid(pointer, "This password is too easy to guess: it is made of common words, names, dates or neighbouring "+
			"characters. Take another one, such as a few words that do not belong together.")
	}
	return h.Hash(ctx, password)
}

// isWeak reports whether a password is easily guessed by somebody who knows what is known about its user.
func isWeak(password string, about []string) bool {
	known := []string{"smoothschedule"}
	for _, text := range about {
		known = append(known, strings.ToLower(text))
		known = append(known, strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })...)
	}
	known = slices.DeleteFunc(known, func(word string) bool { return len(word) < 3 }) // the "a" of a sentence
	slices.Sort(known)
	runes := []rune(password)
	return zxcvbn.PasswordStrength(string(runes[:min(len(runes), estimatedRunes)]), slices.Compact(known)).Entropy < minPasswordBits
}
