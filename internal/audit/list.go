package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/tenancydb"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Recorded is an entry of the trail.
type Recorded struct {
	ID         uuid.UUID
	OccurredAt time.Time
	// TenantID is nil for actions on the platform itself, EnvID for actions that belong to no mode.
	TenantID *uuid.UUID
	EnvID    *uuid.UUID
	// ActorID is the user who acted, or was impersonated; nil if there was none.
	ActorID   *uuid.UUID
	ActorRole *tenancy.Role
	// TokenID is the API token that did it, if one did.
	TokenID *uuid.UUID
	// ImpersonatorID is the user who impersonated the actor, if any.
	ImpersonatorID   *uuid.UUID
	ImpersonatorRole *tenancy.Role
	Action           string
	TargetType       string
	TargetID         string
	Outcome          Outcome
	RequestID        string
	Address          *netip.Addr
	Detail           json.RawMessage
}

// Filter narrows a list; nil means all, except for TenantID.
type Filter struct {
	// TenantID is the business whose entries are listed. Without it the list is empty, unless
	// Anywhere is set, which lists the entries of all businesses and of the platform.
	TenantID *uuid.UUID `json:"tenant_id"`
	Anywhere bool       `json:"anywhere"`
	// EnvID limits the list to one environment; WithModeless adds the entries of no mode.
	EnvID        *uuid.UUID `json:"env_id"`
	WithModeless bool       `json:"with_modeless"`
	// Actor is the actor or the impersonator.
	Actor      *uuid.UUID `json:"actor"`
	Action     *string    `json:"action"`
	TargetType *string    `json:"target_type"`
	Target     *string    `json:"target"`
	Outcome    *string    `json:"outcome"`
	// From is inclusive, To exclusive.
	From *time.Time `json:"from"`
	To   *time.Time `json:"to"`
}

type position struct {
	OccurredAt time.Time `json:"t"`
	ID         uuid.UUID `json:"i"`
}

// List returns entries, the newest first. Errors: InvalidCursor.
func List(ctx context.Context, db tenancydb.DBTX, filter Filter, page keyset.Page) (keyset.List[Recorded], error) {
	before := position{OccurredAt: time.Date(9999, time.January, 1, 0, 0, 0, 0, time.UTC), ID: uuid.Max}
	if err := keyset.Decode(page.Cursor, filter, &before); err != nil {
		return keyset.List[Recorded]{}, err
	}
	if filter.TenantID == nil && !filter.Anywhere {
		return keyset.List[Recorded]{Data: []Recorded{}}, nil
	}
	rows, err := queries.ListAuditEntries(ctx, plannedAnew{db}, tenancydb.ListAuditEntriesParams{
		TenantID: filter.TenantID, EnvID: filter.EnvID, WithModeless: filter.WithModeless, Actor: filter.Actor, Action: filter.Action,
		TargetType: filter.TargetType, Target: filter.Target, Outcome: filter.Outcome, FromAt: filter.From, ToAt: filter.To,
		BeforeOccurredAt: before.OccurredAt, BeforeID: before.ID, RowLimit: page.RowLimit(),
	})
	if err != nil {
		return keyset.List[Recorded]{}, fmt.Errorf("list audit entries: %w", err)
	}
	return keyset.NewList(page, rows, filter, newRecorded, func(r Recorded) position { return position{r.OccurredAt, r.ID} }), nil
}

func newRecorded(row tenancydb.AuditEntry) Recorded {
	return Recorded{
		ID: row.ID, OccurredAt: row.OccurredAt.UTC(), TenantID: row.TenantID, EnvID: row.EnvID, ActorID: row.ActorUserID,
		ActorRole: (*tenancy.Role)(row.ActorRole), TokenID: row.ActorTokenID, ImpersonatorID: row.ImpersonatorUserID, ImpersonatorRole: (*tenancy.Role)(row.ImpersonatorRole),
		Action: row.Action, TargetType: row.TargetType, TargetID: row.TargetID, Outcome: Outcome(row.Outcome), RequestID: row.RequestID,
		Address: row.Address, Detail: row.Detail,
	}
}

// plannedAnew has PostgreSQL plan each query for its arguments. A prepared statement gets
// one plan for all sooner or later, which would read the whole trail of a business to
// find the little that a rare filter leaves.
type plannedAnew struct{ tenancydb.DBTX }

// Query runs the statement without preparing it.
func (db plannedAnew) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	return db.DBTX.Query(ctx, sql, append([]any{pgx.QueryExecModeCacheDescribe}, args...)...) //nolint:rowserrcheck // the rows are the caller's
}
