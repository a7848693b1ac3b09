package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/identitydb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/audit"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

const (
	// DomainCheckEvery is how often the record of a domain that is served is looked for.
	DomainCheckEvery = 24 * time.Hour
	// DomainMissingFor is for how long it may be missing before the domain is taken out of service:
	// whoever has it now may be somebody else.
	DomainMissingFor = 14 * 24 * time.Hour
	// domainsAtOnce bounds one run of Check.
	domainsAtOnce = 100
	// unansweredAtMost is how often the DNS may not answer before a run gives up.
	unansweredAtMost = 5
)

// DomainsChecked counts what a run of Check has done.
type DomainsChecked struct{ Found, Missing, Unanswered, Suspended int }

// Check looks for the records of domains that are served and were not looked at for a day. One that has
// been missing for two weeks is taken out of service; its business can verify it again. That the
// DNS does not answer is no sign of anything. It may run at any time, also twice at once. The DNS is asked outside of
// transactions.
func (s *Domains) Check(ctx context.Context, now time.Time) (checked DomainsChecked, err error) {
	rows, err := queries.ListDomainsToCheck(ctx, s.store.Control(), identitydb.ListDomainsToCheckParams{
		CheckedBefore: now.Add(-DomainCheckEvery), RowLimit: domainsAtOnce,
	})
	if err != nil {
		return checked, fmt.Errorf("list domains to check: %w", err)
	}
	var failed []error
	for _, row := range rows {
		err := s.prove(ctx, newDomain(row))
		missing := errors.Is(err, apperr.New(apperr.DomainNotVerified, ""))
		switch {
		case missing:
			checked.Missing++
		case err == nil:
			checked.Found++
		default:
			checked.Unanswered++
		}
		if checked.Unanswered > unansweredAtMost || ctx.Err() != nil {
			break
		}
		since := row.MissingSince
		if err == nil {
			since = nil
		} else if missing && since == nil {
			since = &now
		}
		suspended, err := s.noteChecked(ctx, row, now, since, missing)
		if suspended {
			checked.Suspended++
		}
		failed = append(failed, err) // one that cannot be written down does not keep the others from it
	}
	return checked, errors.Join(failed...)
}

// noteChecked writes down what a look at the DNS has found, and takes the domain out of service if its
// record has been missing for too long.
func (s *Domains) noteChecked(
	ctx context.Context, row identitydb.Domain, now time.Time, missingSince *time.Time, missing bool,
) (suspended bool, err error) {
	err = s.store.InPlatform(ctx, nil, func(tx pgx.Tx) error {
		suspended = false
		if err := queries.LockTenantForDomains(ctx, tx, row.TenantID); err != nil {
			return fmt.Errorf("lock tenant: %w", err)
		}
		err := queries.NoteDomainChecked(ctx, tx, identitydb.NoteDomainCheckedParams{
			ID: row.ID, TenantID: row.TenantID, Now: now, MissingSince: missingSince,
		})
		if err != nil || !missing {
			return err
		}
		n, err := queries.SuspendDomain(ctx, tx, identitydb.SuspendDomainParams{
			ID: row.ID, TenantID: row.TenantID, Now: now, MissingBefore: now.Add(-DomainMissingFor),
		})
		if err != nil || n == 0 {
			return err
		}
		suspended = true
		if row.IsPrimary {
			subdomain, err := queries.GetSubdomain(ctx, tx, row.TenantID)
			if err != nil {
				return fmt.Errorf("get subdomain: %w", err)
			}
			if _, err := setPrimary(ctx, tx, row.TenantID, subdomain.ID); err != nil {
				return err
			}
		}
		return audit.Record(ctx, tx, &tenancy.Scope{Now: now}, audit.Entry{
			Action: "domain.suspended", Outcome: audit.Success, TargetType: "domain", TargetID: row.ID.String(), TenantID: &row.TenantID,
			Detail: map[string]any{"name": row.Name, "missing_since": missingSince},
		})
	})
	if err != nil {
		return false, fmt.Errorf("note the check of a domain: %w", err)
	}
	return suspended, nil
}
