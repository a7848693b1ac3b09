package apitoken

import (
	"crypto/sha256"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNewTokensHaveTheirForm(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for i := range 1000 {
		sandbox := i%2 == 0
		token := New(sandbox)
		secret := token.Reveal()
		prefix := LivePrefix
		if sandbox {
			prefix = TestPrefix
		}
		require.Regexp(t, "^"+prefix+"[0-9A-Za-z]{36}$", secret)
		require.False(t, seen[secret])
		seen[secret] = true
		parsed, err := Parse(secret)
		require.NoError(t, err)
		require.Equal(t, token, parsed)
		require.Equal(t, sandbox, parsed.Sandbox())
		require.True(t, strings.HasPrefix(secret, token.Prefix()))
		sum := sha256.Sum256([]byte(secret))
		require.Equal(t, sum[:], token.Hash())
	}
}

// Known by heart, so that scanners for secrets may be built on it: CRC-32 (IEEE) of
// all before, in base 62 with the digits first, padded with 0.
func TestChecksumIsTheDocumentedOne(t *testing.T) {
	t.Parallel()
	for unsigned, want := range map[string]string{
		"ss_test_000000000000000000000000000000": "16LKJz",
		"ss_live_abcdefghijklmnopqrstuvwxyzABCD": "1kbFFq",
		"ss_live_paddedpaddedpaddedpadded000133": "00zo1m",
	} {
		require.Equal(t, want, checksum(unsigned), unsigned)
		_, err := Parse(unsigned + want)
		require.NoError(t, err)
	}
}

// One wrong character anywhere is noticed: CRC-32 finds every error of up to 32 bits.
func TestEveryChangedCharacterIsNoticed(t *testing.T) {
	t.Parallel()
	secret := New(false).Reveal()
	for i := range len(secret) {
		for _, c := range []byte("0Zz_\x00") {
			changed := secret[:i] + string(c) + secret[i+1:]
			if changed == secret {
				continue
			}
			_, err := Parse(changed)
			require.ErrorIs(t, err, ErrMalformed, changed)
		}
	}
	for _, wrong := range []string{"", "ss_live_", secret[1:], secret + "0", secret[:len(secret)-1], strings.ToUpper(secret), " " + secret} {
		_, err := Parse(wrong)
		require.ErrorIs(t, err, ErrMalformed)
		require.NotContains(t, err.Error(), secret)
	}
}

// A live token is not a test token with another beginning.
func TestTheChecksumCoversThePrefix(t *testing.T) {
	t.Parallel()
	secret := New(true).Reveal()
	_, err := Parse(LivePrefix + strings.TrimPrefix(secret, TestPrefix))
	require.ErrorIs(t, err, ErrMalformed)
}

func TestATokenIsNotPrinted(t *testing.T) {
	t.Parallel()
	token := New(false)
	random := token.Reveal()[len(LivePrefix)+hintLength:]
	for _, format := range []string{"%s", "%v", "%+v", "%#v", "%q"} {
		require.NotContains(t, fmt.Sprintf(format, token), random)
		require.NotContains(t, fmt.Sprintf(format, struct{ T Token }{token}), random)
	}
}

func TestWriteImpliesReadOfTheSameNoun(t *testing.T) {
	t.Parallel()
	for _, wanted := range Scopes() {
		require.True(t, Allows([]Scope{wanted}, wanted))
		require.False(t, Allows(nil, wanted))
		for _, granted := range Scopes() {
			want := granted == wanted || granted.Noun() == wanted.Noun() && granted.Writes() && !wanted.Writes()
			require.Equal(t, want, Allows([]Scope{granted}, wanted), "%s for %s", granted, wanted)
		}
	}
	require.False(t, Scope("appointments").Valid())
	require.False(t, Scope("appointments:delete").Valid())
	require.False(t, Scope("").Valid())
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", LivePrefix, TestPrefix, New(true).Reveal(), New(false).Reveal(), "ss_session_x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		token, err := Parse(s)
		if err != nil {
			require.ErrorIs(t, err, ErrMalformed)
			require.Equal(t, Token{}, token)
			return
		}
		require.Equal(t, s, token.Reveal())
		require.Len(t, s, Length)
		require.Equal(t, checksum(s[:Length-checksumLength]), s[Length-checksumLength:])
		require.Equal(t, token.Sandbox(), strings.HasPrefix(s, TestPrefix))
		require.True(t, Looks(s))
	})
}

// The table in the guide has every scope, and no other.
func TestScopes_are_documented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/api/authentication.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(text), "\n## Permissions (scopes)\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	quoted := regexp.MustCompile("`([a-z_]+)`")
	documented := []Scope{}
	for line := range strings.Lines(section) {
		cells := strings.Split(line, "|")
		if len(cells) != 4 {
			continue
		}
		for _, noun := range quoted.FindAllStringSubmatch(cells[1], -1) {
			for _, may := range quoted.FindAllStringSubmatch(cells[2], -1) {
				documented = append(documented, Scope(noun[1]+":"+may[1]))
			}
		}
	}
	require.ElementsMatch(t, Scopes(), documented)
}
