package app

import (
	"context"
	"encoding"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/smoothschedule/smoothschedule/internal/identity"
	"github.com/smoothschedule/smoothschedule/internal/postgres"
	"github.com/smoothschedule/smoothschedule/internal/ratelimit"
	"github.com/smoothschedule/smoothschedule/internal/secretbox"
	"github.com/smoothschedule/smoothschedule/internal/store"
)

// none is the value of variables that turns something off.
const none = "none"

// Proxies are the networks of trusted proxies. Nil means not configured, empty means none.
type Proxies []netip.Prefix

var _ encoding.TextUnmarshaler = (*Proxies)(nil)

// UnmarshalText parses "none", or networks separated by commas.
func (p *Proxies) UnmarshalText(text []byte) error {
	*p = Proxies{}
	if strings.TrimSpace(string(text)) == none {
		return nil
	}
	for part := range strings.SplitSeq(string(text), ",") {
		prefix, err := netip.ParsePrefix(strings.TrimSpace(part))
		if err != nil {
			return fmt.Errorf("must be none, or networks such as 10.0.0.0/8,192.0.2.7/32: %w", err)
		}
		*p = append(*p, prefix)
	}
	return nil
}

// The risks that AcceptedRisks can name. Each allows serve to start with a setting for development.
const (
	riskLoopbackWebhooks  = "loopback-webhooks"
	riskNoRateLimits      = "no-rate-limits"
	riskPlainHTTP         = "plain-http"
	riskDatabaseSuperuser = "database-superuser"
)

func risks() []string {
	return []string{riskLoopbackWebhooks, riskNoRateLimits, riskPlainHTTP, riskDatabaseSuperuser}
}

// unlessAccepted returns an error for a risk, or nil if it is accepted.
func (c Config) unlessAccepted(risk, format string, args ...any) error {
	if slices.Contains(c.AcceptedRisks, risk) {
		return nil
	}
	return fmt.Errorf("%s; to accept this risk, add %s to %sACCEPTED_RISKS", fmt.Sprintf(format, args...), risk, Prefix)
}

// checkServe checks the additional requirements of production: no development settings, and explicit
// values where there is no safe default. The error lists all violations.
func (c Config) checkServe() error {
	var mistakes []error
	require := func(violated bool, format string, args ...any) {
		if violated {
			mistakes = append(mistakes, fmt.Errorf(format, args...))
		}
	}
	require(c.DatabaseURL == "",
		"%sDATABASE_URL is missing: serve needs a PostgreSQL database, such as postgres://user:password@db.example.com/smoothschedule (for a trial, use dev)", Prefix)
	require(c.TrustedProxies == nil,
		"%sTRUSTED_PROXIES is missing: set the networks of the proxies in front of this server, such as 10.0.0.0/8, or none if clients connect "+
			"directly. With a wrong value, all clients behind a proxy share one address, or clients can forge theirs", Prefix)
	require(len(c.SecretKeys) == 0,
		"%sSECRET_KEYS is missing: it encrypts secrets in the database; generate a key with `openssl rand -base64 32`", Prefix)
	require(c.MetricsToken == "" && c.MetricsAddr == "",
		"%sMETRICS_TOKEN or %sMETRICS_ADDR is missing: set a token for /metrics, a separate address that is not public, "+
			"such as 127.0.0.1:9100, or %sMETRICS_ADDR=none", Prefix, Prefix, Prefix)
	require(c.QuickLogin,
		"%sQUICK_LOGIN is set: it allows signing in without a password, so serve does not start with it", Prefix)
	require(slices.Contains(c.SecretKeys, DevSecretKey),
		"%sSECRET_KEYS contains the key of dev, which is public; generate your own with `openssl rand -base64 32`", Prefix)
	if _, err := secretbox.New(c.SecretKeys...); err != nil {
		mistakes = append(mistakes, fmt.Errorf("%sSECRET_KEYS: %w", Prefix, err))
	}
	return errors.Join(errors.Join(mistakes...), c.checkRisks())
}

func (c Config) checkRisks() error {
	var mistakes []error
	if c.WebhookAllowLoopback {
		mistakes = append(mistakes, c.unlessAccepted(riskLoopbackWebhooks,
			"%sWEBHOOK_ALLOW_LOOPBACK is set: webhooks could reach programs on this machine", Prefix))
	}
	if c.RateLimits != ratelimit.On {
		mistakes = append(mistakes, c.unlessAccepted(riskNoRateLimits,
			"%sRATE_LIMITS=%s: the number of requests would not be limited", Prefix, c.RateLimits))
	}
	if !c.HTTPS {
		mistakes = append(mistakes, c.unlessAccepted(riskPlainHTTP,
			"%sHTTPS=false: browsers would send session cookies over plain HTTP", Prefix))
	}
	return errors.Join(mistakes...)
}

// checkDatabase checks that the configured database is suitable for production. Without a database it
// returns nil; checkServe reports that.
func checkDatabase(ctx context.Context, c Config) error {
	if c.DatabaseURL == "" {
		return nil
	}
	pool, err := postgres.NewPool(ctx, postgres.PoolOptions{URL: c.DatabaseURL, Role: platformRole, MaxConns: 1})
	if err != nil {
		return fmt.Errorf("%w\n(if the database is new, run `smoothschedule migrate up` first)", err)
	}
	defer pool.Close()
	return errors.Join(c.checkLogin(ctx, pool), refuseDemo(ctx, pool))
}

// checkLogin refuses a login role with too many rights: superusers bypass row-level security, and owners
// of the tables can change the audit trail.
func (c Config) checkLogin(ctx context.Context, pool *pgxpool.Pool) error {
	var name string
	var superuser, owner bool
	err := pool.QueryRow(ctx, `SELECT rolname, rolsuper OR rolbypassrls,
		EXISTS (SELECT FROM pg_class t WHERE t.relnamespace = 'public'::regnamespace AND t.relkind IN ('r', 'p') AND pg_has_role(r.oid, t.relowner, 'MEMBER'))
		FROM pg_roles r WHERE rolname = session_user`).Scan(&name, &superuser, &owner)
	if err != nil {
		return fmt.Errorf("query the login role of the database: %w", err)
	}
	what := "owns its tables"
	switch {
	case superuser:
		what = "is a superuser, or bypasses row security"
	case !owner:
		return nil
	}
	return c.unlessAccepted(riskDatabaseSuperuser,
		"%sDATABASE_URL logs in as %q, who %s: use a login that is a member of %s and %s and nothing else (see docs/guides/database.md)",
		Prefix, name, what, appRole, platformRole)
}

// refuseDemo refuses databases with demo users, whose passwords are public.
func refuseDemo(ctx context.Context, pool *pgxpool.Pool) error {
	if err := checkSchema(ctx, pool); err != nil {
		return err
	}
	db := store.New(pool, pool)
	purpose, err := db.InstallationPurpose(ctx)
	if err != nil {
		return err
	}
	exist, err := identity.PersonasExist(ctx, db)
	switch {
	case err != nil:
		return err
	case exist:
		return errors.New("this database contains the demo personas, whose password is public: serve needs its own database")
	case purpose == store.Development:
		return errForDevelopment
	}
	return nil
}

var errForDevelopment = errors.New(
	"this database is for development: dev has created users in it whose password is public. serve needs its own database")

// claimForProduction marks the database as a production database, which dev refuses from then on.
func (a *App) claimForProduction(ctx context.Context) error {
	purpose, err := a.Store.ClaimInstallation(ctx, store.Production)
	if err == nil && purpose != store.Production {
		return errForDevelopment // dev marked it concurrently
	}
	return err
}

// claimForDevelopment marks the database as a development database, which serve refuses from then on. It
// refuses production databases, and unmarked ones with users that dev has not created.
func (a *App) claimForDevelopment(ctx context.Context) error {
	errForProduction := fmt.Errorf(
		"the database in %sDATABASE_URL is in use elsewhere: dev would create users in it whose password is public. dev needs its own database", Prefix)
	purpose, err := a.Store.InstallationPurpose(ctx)
	if err != nil {
		return err
	}
	if purpose == "" {
		foreign, err := identity.ForeignUsersExist(ctx, a.Store)
		if err != nil {
			return err
		}
		if foreign {
			return errForProduction
		}
	}
	purpose, err = a.Store.ClaimInstallation(ctx, store.Development)
	if err == nil && purpose != store.Development {
		return errForProduction
	}
	return err
}
