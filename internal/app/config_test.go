package app

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLoadConfig_defaults(t *testing.T) {
	t.Parallel()
	c, err := LoadConfig(map[string]string{"PATH": "/bin", "OTHER_ADDR": "x"})
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:8000", c.Addr)
	require.Equal(t, []string{"localhost", "lvh.me"}, c.BaseDomains)
	require.Equal(t, slog.LevelInfo, c.LogLevel)
	require.True(t, c.HTTPS)
	require.False(t, c.QuickLogin)
}

func TestLoadConfig_lists_all_mistakes(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"ADDR": "8000", "LOG_LEVEL": "loud", "LOG_FORMAT": "xml", "BASE_DOMAINS": "https://x.example", "TRUSTED_PROXIES": "10.0.0.0",
		"MAX_CONNECTIONS": "0", "HTTPS": "perhaps", "SHUTDOWN_TIMEOUT": "20", "METRICS_ADDR": "9100", "AUDIT_RETENTION_DAYS": "89", "ACCEPTED_RISKS": "quick-login", "DATABSE_URL": "postgres://misspelt",
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

// valid returns a configuration that serve accepts.
func valid() map[string]string {
	return map[string]string{
		Prefix + "DATABASE_URL": "postgres://db/x", Prefix + "TRUSTED_PROXIES": "10.0.0.0/8", Prefix + "METRICS_TOKEN": "t",
		Prefix + "SECRET_KEYS": strings.Repeat("A", 43) + "=",
	}
}

func TestConfig_checkServe(t *testing.T) {
	t.Parallel()
	c, err := LoadConfig(valid())
	require.NoError(t, err)
	require.NoError(t, c.checkServe())
	t.Run("asks for what it cannot guess", func(t *testing.T) {
		t.Parallel()
		for name := range valid() {
			environment := valid()
			delete(environment, name)
			c, err := LoadConfig(environment)
			require.NoError(t, err)
			require.ErrorContains(t, c.checkServe(), name)
			environment[name] = "" // set, but not chosen
			c, err = LoadConfig(environment)
			require.NoError(t, err)
			require.ErrorContains(t, c.checkServe(), name)
		}
	})
	t.Run("takes none for an answer", func(t *testing.T) {
		t.Parallel()
		environment := valid()
		delete(environment, Prefix+"METRICS_TOKEN")
		environment[Prefix+"METRICS_ADDR"], environment[Prefix+"TRUSTED_PROXIES"] = "none", "none"
		c, err := LoadConfig(environment)
		require.NoError(t, err)
		require.NoError(t, c.checkServe())
		require.Empty(t, c.TrustedProxies)
	})
	t.Run("refuses what is for development", func(t *testing.T) {
		t.Parallel()
		for name, value := range map[string]string{"QUICK_LOGIN": "true", "SECRET_KEYS": DevSecretKey} {
			environment := valid()
			environment[Prefix+name] = value
			c, err := LoadConfig(environment)
			require.NoError(t, err)
			require.ErrorContains(t, c.checkServe(), name)
		}
	})
	t.Run("refuses risks that nobody accepts", func(t *testing.T) {
		t.Parallel()
		for _, risk := range []struct{ name, variable, value string }{
			{riskLoopbackWebhooks, "WEBHOOK_ALLOW_LOOPBACK", "true"},
			{riskNoRateLimits, "RATE_LIMITS", "off"},
			{riskNoRateLimits, "RATE_LIMITS", "tokens"},
			{riskPlainHTTP, "HTTPS", "false"},
		} {
			environment := valid()
			environment[Prefix+risk.variable] = risk.value
			environment[Prefix+"ACCEPTED_RISKS"] = riskDatabaseSuperuser
			c, err := LoadConfig(environment)
			require.NoError(t, err)
			require.ErrorContains(t, c.checkServe(), risk.variable)
			require.ErrorContains(t, c.checkServe(), risk.name)
			environment[Prefix+"ACCEPTED_RISKS"] = "database-superuser," + risk.name
			c, err = LoadConfig(environment)
			require.NoError(t, err)
			require.NoError(t, c.checkServe(), risk)
		}
	})
	t.Run("lists everything at once", func(t *testing.T) {
		t.Parallel()
		err := Config{WebhookAllowLoopback: true, QuickLogin: true}.checkServe()
		for _, want := range []string{
			"DATABASE_URL", "TRUSTED_PROXIES", "SECRET_KEYS", "METRICS_ADDR", "QUICK_LOGIN", riskLoopbackWebhooks, riskNoRateLimits, riskPlainHTTP,
		} {
			require.ErrorContains(t, err, want)
		}
	})
}

func TestConfig_forDev(t *testing.T) {
	t.Parallel()
	dev := Config{BaseDomains: []string{"lvh.me"}, HTTPS: true}.forDev(map[string]string{})
	require.True(t, dev.QuickLogin)
	require.True(t, dev.WebhookAllowLoopback)
	require.Equal(t, []string{DevSecretKey}, dev.SecretKeys)
	require.NotNil(t, dev.TrustedProxies)
	require.False(t, dev.HTTPS)
	require.Contains(t, dev.Origins, "http://*.lvh.me:5173")
	kept := Config{HTTPS: true}.forDev(map[string]string{Prefix + "HTTPS": "true", Prefix + "QUICK_LOGIN": "false"})
	require.True(t, kept.HTTPS)
	require.False(t, kept.QuickLogin)
}

func TestConfig_LocalAddr(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		"127.0.0.1:8000": "127.0.0.1:8000", "0.0.0.0:80": "127.0.0.1:80", ":80": "127.0.0.1:80", "[::]:80": "127.0.0.1:80", "[::1]:80": "[::1]:80",
	} {
		require.Equal(t, want, Config{Addr: addr}.LocalAddr(), addr)
	}
}

func TestVariables_are_documented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/guides/configuration.md")
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
