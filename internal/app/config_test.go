package app

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDefaults(t *testing.T) {
	t.Parallel()
	c, err := LoadConfig(map[string]string{"PATH": "/bin", "OTHER_ADDR": "x"})
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:8000", c.Addr)
	require.Equal(t, []string{"localhost", "lvh.me"}, c.BaseDomains)
	require.Equal(t, slog.LevelInfo, c.LogLevel)
	require.True(t, c.HTTPS)
	require.False(t, c.QuickLogin)
}

func TestEveryMistakeIsNamed(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"ADDR": "8000", "LOG_LEVEL": "loud", "LOG_FORMAT": "xml", "BASE_DOMAINS": "https://x.example", "TRUSTED_PROXIES": "10.0.0.0",
		"MAX_CONNECTIONS": "0", "HTTPS": "perhaps", "SHUTDOWN_TIMEOUT": "20", "DATABSE_URL": "postgres://misspelt",
	} {
		_, err := LoadConfig(map[string]string{Prefix + name: value})
		require.Error(t, err, name)
		mention := name
		if name == "TRUSTED_PROXIES" || name == "LOG_LEVEL" || name == "HTTPS" || name == "SHUTDOWN_TIMEOUT" {
			mention = strings.ReplaceAll(strings.ToLower(name), "_", "") // the library names the field
			require.Contains(t, strings.ToLower(err.Error()), mention)
			continue
		}
		require.ErrorContains(t, err, mention)
	}
}

// Quick login lets everybody in: production must not start with it.
func TestServeRefusesWhatIsForDevelopment(t *testing.T) {
	t.Parallel()
	c, err := LoadConfig(map[string]string{Prefix + "DATABASE_URL": "postgres://db/x", Prefix + "QUICK_LOGIN": "true"})
	require.NoError(t, err)
	require.ErrorContains(t, c.checkServe(), "QUICK_LOGIN")
	require.ErrorContains(t, Serve(t.Context(), c), "QUICK_LOGIN")
	require.ErrorContains(t, Config{}.checkServe(), "DATABASE_URL")
	require.ErrorContains(t, Config{SecretKeys: []string{DevSecretKey}}.checkServe(), "SECRET_KEYS")
}

func TestDevFillsInWhatNobodySet(t *testing.T) {
	t.Parallel()
	dev := Config{BaseDomains: []string{"lvh.me"}, HTTPS: true}.forDev(map[string]string{})
	require.True(t, dev.QuickLogin)
	require.True(t, dev.WebhookAllowLoopback)
	require.Equal(t, []string{DevSecretKey}, dev.SecretKeys)
	require.False(t, dev.HTTPS)
	require.Contains(t, dev.Origins, "http://*.lvh.me:5173")
	kept := Config{HTTPS: true}.forDev(map[string]string{Prefix + "HTTPS": "true", Prefix + "QUICK_LOGIN": "false"})
	require.True(t, kept.HTTPS)
	require.False(t, kept.QuickLogin)
}

func TestLocalAddr(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		"127.0.0.1:8000": "127.0.0.1:8000", "0.0.0.0:80": "127.0.0.1:80", ":80": "127.0.0.1:80", "[::]:80": "127.0.0.1:80", "[::1]:80": "[::1]:80",
	} {
		require.Equal(t, want, Config{Addr: addr}.LocalAddr(), addr)
	}
}

func TestTheDocumentationHasEveryVariable(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/configuration.md")
	require.NoError(t, err)
	for _, v := range Variables() {
		require.Contains(t, string(text), documentationRow(v))
	}
	require.Equal(t, len(Variables()), strings.Count(string(text), "| `"+Prefix), "rows of variables that are gone")
}

func documentationRow(v Variable) string {
	value := ""
	if v.Default != "" {
		value = "`" + v.Default + "`"
	}
	return fmt.Sprintf("| `%s` | %s | %s |\n", v.Name, value, v.Description)
}
