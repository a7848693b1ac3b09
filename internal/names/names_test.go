package names_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/names"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"A", " Ana ", "José", "محمد", "דוד", "نام\u200cخانوادگی" /* with ZWNJ */, "👩‍👩‍👧", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "1️⃣", "—", "…", "O'Neil & Söhne",
		"שלום\u200f!", strings.Repeat("😀", names.MaxLength), strings.Repeat("e\u0301", names.MaxLength), "tab at the end\t",
	} {
		require.NoError(t, names.Check(name), "%q", name)
	}
	for what, name := range map[string]string{
		"empty": "", "spaces": "  ", "no-break space": "\u00a0", "ideographic space": "\u3000", "zero-width space": "\u200b",
		"joiner": "\u200d", "byte order mark": "\ufeff", "Hangul filler": "\u3164", "empty Braille": "\u2800", "variation selector": "\ufe0f",
		"marks of direction": "\u200e\u200f", "soft hyphen": "\u00ad", "tag characters": "\U000E0041", "a mark without a letter": "\u0301",
		"tab": "a\tb", "line feed": "a\nb", "escape": "a\u001bb", "C1 control": "a\u0085b", "line separator": "a\u2028b",
		"override": "a\u202eb", "embedding": "a\u202ab", "isolate": "a\u2066b\u2069",
		"too long": strings.Repeat("é", names.MaxLength+1), "too long when normalised": strings.Repeat("\u0958", names.MaxLength),
	} {
		require.Error(t, names.Check(name), what)
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		" \u00a0\u200bAna\u3000\ufeff\n": "Ana", "Jose\u0301": "José", "Ana  Bee": "Ana  Bee", "\u200f שלום": "\u200f שלום",
	} {
		require.Equal(t, want, names.Clean(name))
	}
}

func TestName_UnmarshalJSON(t *testing.T) {
	t.Parallel()
	var body struct{ Name *names.Name }
	require.NoError(t, json.Unmarshal([]byte(`{"name":" Jose\u0301\u00a0"}`), &body))
	require.Equal(t, names.Name("José"), *body.Name)
	require.Error(t, json.Unmarshal([]byte(`{"name":7}`), &body))
}

func FuzzCheck(f *testing.F) {
	for _, seed := range []string{"", " ", "Ana", "\u200b", "a\u202eb", "e\u0301", "\u0958"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		name = strings.ToValidUTF8(name, "") // as JSON can have it
		clean := names.Clean(name)
		require.Equal(t, clean, names.Clean(clean))
		require.Equal(t, names.Check(name) == nil, names.Check(clean) == nil)
		if names.Check(name) == nil {
			require.True(t, names.Visible(clean))
			require.LessOrEqual(t, utf8.RuneCountInString(clean), names.MaxLength)
		}
	})
}
