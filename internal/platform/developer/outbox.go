package developer

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/developerdb"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Effect is something that left the sandbox, or would have left the live world.
type Effect struct {
	// ID is the same for all attempts at one effect.
	ID uuid.UUID
	// Kind is what it is: "webhook", a request to one, or "notification", which tells somebody something.
	Kind string
	// OccurredAt is on the real clock.
	OccurredAt time.Time
	// To is the address it went to, Subject what it was about.
	To, Subject string
	// StatusCode and Error are what came of it; one of them is set if it failed.
	StatusCode *int32
	Error      string
	Payload    json.RawMessage
}

// Outbox is the service for what a sandbox has sent.
type Outbox struct {
	store   *store.Store
	queries *developerdb.Queries
	rights  EventRights
}

// NewOutbox reads from the store. What is sent is about events, and the rights say who may read those.
func NewOutbox(store *store.Store, rights EventRights) *Outbox {
	return &Outbox{store: store, queries: developerdb.New(), rights: rights}
}

// customerType is a type of event that shows a customer, as a notification to one does.
const customerType = "customer.updated"

// latestEffect is where a page of the outbox ends.
type latestEffect struct {
	At       time.Time `json:"t"`
	Endpoint uuid.UUID `json:"e"`
	ID       uuid.UUID `json:"i"`
	Number   int32     `json:"n"`
}

// List returns what the tenant's sandbox has sent and whoever asks may read, the latest first,
// whatever the mode of the request. Errors: SandboxDisabled, InvalidCursor.
func (s *Outbox) List(ctx context.Context, scope *tenancy.Scope, page keyset.Page) (keyset.List[Effect], error) {
	none := keyset.List[Effect]{}
	if err := requireSandbox(scope); err != nil {
		return none, err
	}
	before := latestEffect{At: future.At, Endpoint: uuid.Max, ID: uuid.Max, Number: math.MaxInt32}
	if err := keyset.Decode(page.Cursor, nil, &before); err != nil {
		return none, err
	}
	inside := *scope
	inside.Env = scope.Tenant.Sandbox
	may := func(eventType string) bool { return s.rights.Check(scope.Principal, eventType) == nil }
	types, nouns := narrow(s.rights, nil, may)
	rows, err := s.queries.ListEffects(ctx, s.store.Reader(&inside), developerdb.ListEffectsParams{
		EnvID: inside.Env.ID, BeforeAt: before.At, BeforeEndpoint: before.Endpoint, BeforeID: before.ID, BeforeNumber: before.Number,
		RowLimit: page.RowLimit(), Types: types, Nouns: nouns, WithCustomers: may(customerType),
	})
	if err != nil {
		return none, fmt.Errorf("list what the sandbox has sent: %w", err)
	}
	list := keyset.ListOf(page, rows, nil, func(row developerdb.ListEffectsRow) any {
		return latestEffect{row.At, row.EndpointID, row.ID, row.Number}
	})
	effects := keyset.List[Effect]{NextCursor: list.NextCursor}
	for _, row := range list.Data {
		effects.Data = append(effects.Data, Effect{
			ID: row.ID, Kind: row.Kind, OccurredAt: row.At.UTC(), To: row.Recipient, Subject: row.Subject,
			StatusCode: row.StatusCode, Error: row.Error, Payload: row.Data,
		})
	}
	return effects, nil
}
