package identity

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
)

func TestHashNew(t *testing.T) {
	t.Parallel()
	hasher := NewHasher(cheap)
	about := []string{"maximiliane.musterfrau@frisur-musterfrau.example", "Maximiliane Musterfrau"}
	for _, weak := range []string{
		"1234567890", "0987654321", "qwertyuiop", "aaaaaaaaaaaa", "abcdefghijkl", "password123", "Passw0rd123!", "P@$$w0rd12", "iloveyou123", "letmein1234",
		"maximiliane", "Musterfrau12", "musterfrau1", "maximiliane.musterfrau@frisur-musterfrau.example", "smoothschedule", strings.Repeat("a", 200),
	} {
		_, err := hasher.HashNew(t.Context(), "/somewhere", weak, about...)
		requirePointer(t, apperr.ValidationFailed, "/somewhere", err)
	}
	for _, strong := range []string{
		goodPassword, "a much better one", "correct horse battery staple", "k3#9fLq0zX", "пароль из четырёх слов", "four random words", strings.Repeat("k3#9fLq0zX", 20),
	} {
		hash, err := hasher.HashNew(t.Context(), "/somewhere", strong, about...)
		require.NoError(t, err, strong)
		again, err := hashLike(parametersOf(hash), strong)
		require.NoError(t, err)
		require.Equal(t, hash, again)
	}
}
