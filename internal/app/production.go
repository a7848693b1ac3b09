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

// none is how a variable says that something is not wanted.
const none = "none"

// Proxies are the networks of trusted proxies; nil if nobody has chosen, empty for none.
type Proxies []netip.Prefix

var _ encoding.TextUnmarshaler = (*Proxies)(nil)

// UnmarshalText reads "none", or networks with commas between them.
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

// The risks that AcceptedRisks can name. Each lets serve start with something that is
// otherwise for development.
const (
	riskLoopbackWebhooks  = "loopback-webhooks"
	riskNoRateLimits      = "no-rate-limits"
	riskPlainHTTP         = "plain-http"
	riskDatabaseSuperuser = "database-superuser"
)

func risks() []string {
	return []string{riskLoopbackWebhooks, riskNoRateLimits, riskPlainHTTP, riskDatabaseSuperuser}
}

// unlessAccepted is the mistake that a risk is, if nobody accepts it.
func (c Config) unlessAccepted(risk, format string, args ...any) error {
	if slices.Contains(c.AcceptedRisks, risk) {
		return nil
	}
	return fmt.Errorf("%s; if you accept that, add %s to %sACCEPTED_RISKS", fmt.Sprintf(format, args...), risk, Prefix)
}

// checkServe adds what production demands: no setting of development without a word, and
// a choice of what cannot be guessed. The error lists everything.
func (c Config) checkServe() error {
	var mistakes []error
	missing := func(is bool, format string, args ...any) {
		if is {
			mistakes = append(mistakes, fmt.Errorf(format, args...))
		}
	}
	missing(c.DatabaseURL == "",
		"%sDATABASE_URL is missing: serve needs a PostgreSQL, such as postgres://user:password@db.example.com/smoothschedule (for trying things out, use dev)", Prefix)
	missing(c.TrustedProxies == nil,
		"%sTRUSTED_PROXIES is missing: name the networks of the proxies in front of this server, such as 10.0.0.0/8, or none if clients connect to it "+
			"directly. Without the right choice, all clients behind a proxy count as one, or anybody can pretend to be somebody else", Prefix)
	missing(len(c.SecretKeys) == 0,
		"%sSECRET_KEYS is missing: it encrypts secrets in the database; `openssl rand -base64 32` makes a key", Prefix)
	missing(c.MetricsToken == "" && c.MetricsAddr == "",
		"%sMETRICS_TOKEN or %sMETRICS_ADDR is missing: choose a token for /metrics, an address of its own that the public cannot reach, "+
			"such as 127.0.0.1:9100, or %sMETRICS_ADDR=none", Prefix, Prefix, Prefix)
	missing(c.QuickLogin,
		"%sQUICK_LOGIN is set: it lets everyone sign in without a password, so serve does not start with it", Prefix)
	missing(slices.Contains(c.SecretKeys, DevSecretKey),
		"%sSECRET_KEYS holds the key of dev, which is public; `openssl rand -base64 32` makes one of your own", Prefix)
	if _, err := secretbox.New(c.SecretKeys...); err != nil {
		mistakes = append(mistakes, fmt.Errorf("%sSECRET_KEYS: %w", Prefix, err))
	}
	return errors.Join(errors.Join(mistakes...), c.checkRisks())
}

func (c Config) checkRisks() error {
	var mistakes []error
	if c.WebhookAllowLoopback {
		mistakes = append(mistakes, c.unlessAccepted(riskLoopbackWebhooks,
			"%sWEBHOOK_ALLOW_LOOPBACK is set: whoever creates webhooks could reach the programs on this machine", Prefix))
	}
	if c.RateLimits != ratelimit.On {
		mistakes = append(mistakes, c.unlessAccepted(riskNoRateLimits,
			"%sRATE_LIMITS=%s: anybody could send as many requests as they like", Prefix, c.RateLimits))
	}
	if !c.HTTPS {
		mistakes = append(mistakes, c.unlessAccepted(riskPlainHTTP,
			"%sHTTPS=false: browsers would send session cookies over plain HTTP", Prefix))
	}
	return errors.Join(mistakes...)
}

// checkDatabase says what is wrong with the configured database for production. Without
// one, nothing is.
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

// checkLogin refuses a login user whom nothing in the database would stop: neither row
// security nor that the audit trail only grows.
func (c Config) checkLogin(ctx context.Context, pool *pgxpool.Pool) error {
	var name string
	var superuser, owner bool
	err := pool.QueryRow(ctx, `SELECT rolname, rolsuper OR rolbypassrls,
		EXISTS (SELECT FROM pg_class t WHERE t.relnamespace = 'public'::regnamespace AND t.relkind IN ('r', 'p') AND pg_has_role(r.oid, t.relowner, 'MEMBER'))
		FROM pg_roles r WHERE rolname = session_user`).Scan(&name, &superuser, &owner)
	if err != nil {
		return fmt.Errorf("look at the login user of the database: %w", err)
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

// refuseDemo keeps production away from a database whose passwords are public.
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
		return errors.New("this database holds the demo personas, whose password everybody knows: serve needs a database of its own")
	case purpose == store.Development:
		return errForDevelopment
	}
	return nil
}

var errForDevelopment = errors.New(
	"this database is for development: dev has filled it with users whose password everybody knows. serve needs a database of its own")

// claimForProduction keeps dev away from this database from now on.
func (a *App) claimForProduction(ctx context.Context) error {
	purpose, err := a.Store.ClaimInstallation(ctx, store.Production)
	if err == nil && purpose != store.Production {
		return errForDevelopment // dev was quicker
	}
	return err
}

// claimForDevelopment keeps serve away from this database from now on, whatever the personas
// will be called. It refuses one that holds users whom dev has not made.
func (a *App) claimForDevelopment(ctx context.Context) error {
	errForProduction := fmt.Errorf(
		"%sDATABASE_URL names a database that is in use elsewhere: dev would add users to it whose password everybody knows. dev needs a database of its own", Prefix)
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
