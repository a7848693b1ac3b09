package app

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/smoothschedule/smoothschedule/internal/audit"
	"github.com/smoothschedule/smoothschedule/internal/ratelimit"
)

// Prefix is the prefix of our environment variables.
const Prefix = "SMOOTHSCHEDULE_"

// Config is everything that can be set from outside. docs/guides/configuration.md holds
// the same table; a test compares them.
type Config struct {
	Addr                 string        `env:"ADDR" envDefault:"127.0.0.1:8000" desc:"Address to listen on."`
	DatabaseURL          string        `env:"DATABASE_URL" desc:"PostgreSQL to use (15 or newer). The user must be a member of smoothschedule_app, smoothschedule_platform and smoothschedule_administration. dev starts its own without it; serve needs it."`
	MigrationURL         string        `env:"MIGRATION_DATABASE_URL" desc:"URL of the same database for its owner, used by migrate. Default: SMOOTHSCHEDULE_DATABASE_URL."`
	DataDir              string        `env:"DATA_DIR" desc:"Where dev keeps its database: /var/lib/smoothschedule for root, else smoothschedule in the XDG data directory."`
	PgBin                string        `env:"PG_BIN" desc:"Directory of the PostgreSQL programs for dev and the tests. Default: the usual places are searched."`
	BaseDomains          []string      `env:"BASE_DOMAINS" envDefault:"localhost,lvh.me" desc:"Host names of the installation: businesses are at <name>.<base>, the platform at platform.<base>."`
	Origins              []string      `env:"ORIGINS" desc:"Browser origins that may call with credentials; * stands for one label, as in http://*.lvh.me:5173. dev allows port 5173 of its bases."`
	TrustedProxies       Proxies       `env:"TRUSTED_PROXIES" desc:"Networks of the proxies whose X-Forwarded-For is trusted, such as 10.0.0.0/8, or none if clients connect directly. serve needs it; dev has none."`
	DNSServer            string        `env:"DNS_SERVER" desc:"DNS server (host:port) for verifying custom domains. Default: those of the machine."`
	HTTPS                bool          `env:"HTTPS" envDefault:"true" desc:"Whether clients connect over HTTPS: Secure cookies and HSTS. dev sets false."`
	MaxConnections       int32         `env:"MAX_CONNECTIONS" envDefault:"10" desc:"Database connections for requests; webhooks use at most half of them."`
	PlatformConnections  int32         `env:"PLATFORM_CONNECTIONS" envDefault:"3" desc:"Database connections for work across businesses."`
	JobConnections       int32         `env:"JOB_CONNECTIONS" envDefault:"5" desc:"Database connections for background jobs, at least 3: two listen for notifications of other servers."`
	QuickLogin           bool          `env:"QUICK_LOGIN" desc:"Allows sign-in as a demo user without password. dev sets true; serve refuses to start with it."`
	SecretKeys           []string      `env:"SECRET_KEYS" desc:"Keys that encrypt secrets in the database, each 32 random bytes in base64 (openssl rand -base64 32): the first encrypts, all decrypt. serve needs it; dev has one of its own."`
	WebhookAllowLoopback bool          `env:"WEBHOOK_ALLOW_LOOPBACK" desc:"Allows webhooks to programs on the server's own machine, also over http. For development, never where others can create webhooks. dev sets true; serve needs the accepted risk loopback-webhooks."`
	WebhookTimeout       time.Duration `env:"WEBHOOK_TIMEOUT" envDefault:"15s" desc:"How long a webhook endpoint may take to answer, 1s to 30s. Deliveries of a server that died are taken over after about three times as long."`
	MetricsToken         string        `env:"METRICS_TOKEN" desc:"Bearer token for /metrics. serve needs it, or METRICS_ADDR; dev answers loopback addresses without it."`
	MetricsAddr          string        `env:"METRICS_ADDR" desc:"Address (host:port) where /metrics is served instead of ADDR, or none to serve it nowhere. Choose one that the public cannot reach."`
	RateLimits           string        `env:"RATE_LIMITS" envDefault:"on" desc:"on; tokens: only API tokens are limited; off. dev sets tokens. See docs/guides/operations.md."`
	RedisURL             string        `env:"REDIS_URL" desc:"Redis in which servers share the counts of their rate limits, such as redis://cache.internal:6379/0; without it each server counts by itself."`
	AcceptedRisks        []string      `env:"ACCEPTED_RISKS" desc:"Risks that serve accepts: loopback-webhooks, no-rate-limits, plain-http, database-superuser. It reports those that it finds."`
	AuditRetentionDays   int           `env:"AUDIT_RETENTION_DAYS" envDefault:"400" desc:"How long entries of the audit trail are kept, at least 90 days. They are deleted by whole months."`
	LogLevel             slog.Level    `env:"LOG_LEVEL" envDefault:"INFO" desc:"DEBUG, INFO, WARN or ERROR."`
	LogFormat            string        `env:"LOG_FORMAT" envDefault:"json" desc:"json or text. dev sets text."`
	RequestTimeout       time.Duration `env:"REQUEST_TIMEOUT" envDefault:"15s" desc:"How long a request may take, 1s to 25s; then its work is stopped, and also when its client leaves. A request that waits for events gets its wait in addition."`
	OptimisticIdentity   bool          `env:"OPTIMISTIC_IDENTITY" envDefault:"true" desc:"Whether requests run with a cached identity that is checked in their first round trip to the database. false authenticates each request beforehand: one round trip more."`
	CatalogCache         bool          `env:"CATALOG_CACHE" envDefault:"true" desc:"Whether servers keep what businesses offer (services, resources, hours) in memory, checked against the database in every request. false reads it in each request that needs it: one round trip more."`
	ShutdownTimeout      time.Duration `env:"SHUTDOWN_TIMEOUT" envDefault:"20s" desc:"How long running requests may take to finish when the server stops."`
}

// LoadConfig reads the configuration from environment variables. The error lists all invalid variables
// with their expected form. Unknown variables with our prefix are errors, because they are misspelled.
func LoadConfig(environment map[string]string) (Config, error) {
	var c Config
	err := env.ParseWithOptions(&c, env.Options{Environment: environment, Prefix: Prefix})
	return c, errors.Join(err, unknownVariables(environment), c.check())
}

func (c Config) check() error {
	return errors.Join(c.checkAddresses(), c.checkChoices(), c.checkConnections())
}

func (c Config) checkAddresses() error {
	var mistakes []error
	if _, _, err := net.SplitHostPort(c.Addr); err != nil {
		mistakes = append(mistakes, fmt.Errorf("%sADDR=%q must be host:port, such as 127.0.0.1:8000", Prefix, c.Addr))
	}
	if len(c.BaseDomains) == 0 {
		mistakes = append(mistakes, fmt.Errorf("%sBASE_DOMAINS must name at least one host, such as example.com", Prefix))
	}
	for _, base := range c.BaseDomains {
		if base != strings.ToLower(base) || strings.ContainsAny(base, ":/ ") || base == "" {
			mistakes = append(mistakes, fmt.Errorf("%sBASE_DOMAINS: %q must be a host name in lower case, without port", Prefix, base))
		}
	}
	if _, _, err := net.SplitHostPort(c.DNSServer); c.DNSServer != "" && err != nil {
		mistakes = append(mistakes, fmt.Errorf("%sDNS_SERVER=%q must be host:port, such as 9.9.9.9:53", Prefix, c.DNSServer))
	}
	if _, _, err := net.SplitHostPort(c.MetricsAddr); c.MetricsAddr != "" && c.MetricsAddr != none && err != nil {
		mistakes = append(mistakes, fmt.Errorf("%sMETRICS_ADDR=%q must be host:port, such as 127.0.0.1:9100, or none", Prefix, c.MetricsAddr))
	}
	return errors.Join(mistakes...)
}

func (c Config) checkChoices() error {
	var mistakes []error
	if c.LogFormat != "json" && c.LogFormat != "text" {
		mistakes = append(mistakes, fmt.Errorf("%sLOG_FORMAT=%q must be json or text", Prefix, c.LogFormat))
	}
	switch c.RateLimits {
	case ratelimit.On, ratelimit.TokensOnly, ratelimit.Off:
	default:
		mistakes = append(mistakes, fmt.Errorf("%sRATE_LIMITS=%q must be on, tokens or off", Prefix, c.RateLimits))
	}
	if c.WebhookTimeout < time.Second || c.WebhookTimeout > 30*time.Second {
		mistakes = append(mistakes, fmt.Errorf("%sWEBHOOK_TIMEOUT=%v must be between 1s and 30s", Prefix, c.WebhookTimeout))
	}
	if c.RequestTimeout < time.Second || c.RequestTimeout > 25*time.Second {
		mistakes = append(mistakes, fmt.Errorf("%sREQUEST_TIMEOUT=%v must be between 1s and 25s", Prefix, c.RequestTimeout))
	}
	if c.AuditRetentionDays < audit.MinRetentionDays {
		mistakes = append(mistakes, fmt.Errorf("%sAUDIT_RETENTION_DAYS=%d must be at least %d", Prefix, c.AuditRetentionDays, audit.MinRetentionDays))
	}
	for _, name := range c.AcceptedRisks {
		if !slices.Contains(risks(), name) {
			mistakes = append(mistakes, fmt.Errorf("%sACCEPTED_RISKS: %q must be one of %s", Prefix, name, strings.Join(risks(), ", ")))
		}
	}
	return errors.Join(mistakes...)
}

func (c Config) checkConnections() error {
	var mistakes []error
	if c.MaxConnections < 1 || c.PlatformConnections < 1 {
		mistakes = append(mistakes, fmt.Errorf("%sMAX_CONNECTIONS and %sPLATFORM_CONNECTIONS must be at least 1", Prefix, Prefix))
	}
	if c.JobConnections < 3 {
		mistakes = append(mistakes, fmt.Errorf("%sJOB_CONNECTIONS must be at least 3", Prefix))
	}
	return errors.Join(mistakes...)
}

// DevSecretKey encrypts the secrets of development databases. It is public, so serve refuses it.
const DevSecretKey = "c21vb3Roc2NoZWR1bGUtZGV2LWtleS1ub3Qtc2VjcmU="

// forDev returns the configuration with defaults for development in place of unset variables.
func (c Config) forDev(environment map[string]string) Config {
	if _, set := environment[Prefix+"QUICK_LOGIN"]; !set {
		c.QuickLogin = true
	}
	if _, set := environment[Prefix+"WEBHOOK_ALLOW_LOOPBACK"]; !set {
		c.WebhookAllowLoopback = true
	}
	if len(c.SecretKeys) == 0 {
		c.SecretKeys = []string{DevSecretKey}
	}
	if c.TrustedProxies == nil {
		c.TrustedProxies = Proxies{}
	}
	if _, set := environment[Prefix+"HTTPS"]; !set {
		c.HTTPS = false
	}
	if _, set := environment[Prefix+"LOG_FORMAT"]; !set {
		c.LogFormat = "text"
	}
	if _, set := environment[Prefix+"RATE_LIMITS"]; !set {
		c.RateLimits = ratelimit.TokensOnly
	}
	if len(c.Origins) == 0 {
		for _, base := range c.BaseDomains {
			c.Origins = append(c.Origins, "http://"+base+":5173", "http://*."+base+":5173")
		}
	}
	return c
}

// otherVariables have our prefix but are not part of Config.
var otherVariables = map[string]bool{Prefix + "TEST_DATABASE_URL": true}

func unknownVariables(environment map[string]string) error {
	known := map[string]bool{}
	for _, v := range Variables() {
		known[v.Name] = true
	}
	var mistakes []error
	for name := range environment {
		if strings.HasPrefix(name, Prefix) && !known[name] && !otherVariables[name] {
			mistakes = append(mistakes, fmt.Errorf("unknown variable %s; `smoothschedule config` lists all variables", name))
		}
	}
	return errors.Join(mistakes...)
}

// Variable describes one environment variable.
type Variable struct {
	Name, Default, Description string
}

// Variables returns the environment variables in the order of the documentation.
func Variables() []Variable {
	t := reflect.TypeFor[Config]()
	variables := make([]Variable, t.NumField())
	for i := range variables {
		tag := t.Field(i).Tag
		variables[i] = Variable{Prefix + tag.Get("env"), tag.Get("envDefault"), tag.Get("desc")}
	}
	return variables
}

// LocalAddr returns Addr in the form that a client on the same machine uses.
func (c Config) LocalAddr() string {
	host, port, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return c.Addr
	}
	if addr, err := netip.ParseAddr(host); host == "" || (err == nil && addr.IsUnspecified()) {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}
