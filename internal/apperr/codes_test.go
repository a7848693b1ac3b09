package apperr

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCodes_are_documented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/api/errors.md")
	require.NoError(t, err)
	documented := []string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|").FindAllSubmatch(text, -1) {
		documented = append(documented, string(row[1]))
	}
	codes := []string{}
	for _, c := range Codes() {
		codes = append(codes, c.Name)
	}
	require.ElementsMatch(t, codes, documented)
}
