package developer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/developerdb"
	"github.com/smoothschedule/smoothschedule/internal/outbound"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// schedule has the waits before the second and later attempts (Standard Webhooks).
var schedule = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour,
	20 * time.Hour, 24 * time.Hour,
}

const (
	// jitter is the share by which waits vary, so that deliveries that failed together are not
	// repeated together.
	jitter = 0.2
	// longestWait bounds what an endpoint can ask for with Retry-After.
	longestWait = 24 * time.Hour
	// failsFor is how long an endpoint may fail before it is disabled.
	failsFor = 5 * 24 * time.Hour
	// maxPayload is the largest body in bytes (Standard Webhooks recommends 20 kB).
	maxPayload = 20_000
	// maxResponse is how many bytes of a response are kept.
	maxResponse = 1000
)

// attempt makes one request. An error means that it was not made, or that the server stopped before
// the response: it is repeated after the claim has expired.
func (r *drainRun) attempt(ctx context.Context, c claim) attempted {
	started := r.now().UTC().Truncate(time.Microsecond)
	request, err := r.request(&c, started)
	if err != nil {
		return attempted{claim: c, err: err}
	}
	response, failure := r.poster.Post(ctx, c.Url, request.header, request.body)
	if ctx.Err() != nil && failure != nil {
		return attempted{claim: c, err: ctx.Err()}
	}
	came := outcomeOf(started, r.now(), response, failure)
	return attempted{claim: c, outcome: &came}
}

type request struct {
	header http.Header
	body   []byte
}

// request builds body and headers of Standard Webhooks. The keys sign until they expire on
// the environment's clock; the timestamp is the real time, which receivers compare with theirs.
func (r *drainRun) request(c *claim, at time.Time) (*request, error) {
	event := Event{
		Sequence: c.Sequence, ID: c.ID, Type: c.Type, Version: c.Version, Livemode: !r.scope.SandboxMode(),
		OccurredAt: c.OccurredAt.UTC(), Data: c.Data,
	}
	body, err := payload(event)
	if err != nil {
		return nil, err
	}
	sealed := [][]byte{c.Secret}
	if c.PreviousSecretExpiresAt != nil && r.envNow().Before(*c.PreviousSecretExpiresAt) {
		sealed = append(sealed, c.PreviousSecret)
	}
	keys := make([][]byte, len(sealed))
	for i, s := range sealed {
		if keys[i], err = r.box.Open(s, secretPurpose(r.scope.Env.ID, r.endpointID)); err != nil {
			return nil, fmt.Errorf("secret of webhook %s: %w", r.endpointID, err)
		}
	}
	header := http.Header{}
	header.Set("Content-Type", "application/json")
	header.Set("User-Agent", "SmoothSchedule-Webhooks/1.0")
	header.Set("webhook-id", c.ID.String())
	header.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
	header.Set("webhook-signature", sign(keys, c.ID, at, body))
	return &request{header, body}, nil
}

// payload is the body for an event: the event as the feed lists it, or, if that exceeds maxPayload, with
// only the id of its object.
func payload(event Event) ([]byte, error) {
	body, err := json.Marshal(event)
	if err != nil || len(body) <= maxPayload {
		return body, err
	}
	var object struct {
		ID uuid.UUID `json:"id"`
	}
	if err := json.Unmarshal(event.Data, &object); err != nil {
		return nil, err
	}
	if event.Data, err = json.Marshal(object); err != nil {
		return nil, err
	}
	event.DataOmitted = true
	return json.Marshal(event)
}

// outcome is the result of an attempt.
type outcome struct {
	started    time.Time
	duration   time.Duration
	status     int32 // 0 without a response
	response   string
	error      string
	retryAfter time.Duration
}

func outcomeOf(started, ended time.Time, response *outbound.Response, failure error) outcome {
	o := outcome{started: started, duration: ended.Sub(started)}
	if failure != nil {
		o.error = failure.Error()
		return o
	}
	o.status, o.response = int32(response.Status), printable(response.Body)
	if !o.succeeded() {
		o.error = fmt.Sprintf("it answered %d; only 2xx counts as received", o.status)
		o.retryAfter = retryAfter(response.Header.Get("Retry-After"), ended)
	}
	return o
}

func (o *outcome) succeeded() bool { return o.status >= 200 && o.status < 300 }

func (o *outcome) gone() bool { return o.status == http.StatusGone }

// printable is the beginning of a response, as text that PostgreSQL accepts.
func printable(body []byte) string {
	text := strings.ToValidUTF8(string(body[:min(len(body), maxResponse)]), "\uFFFD")
	return strings.ReplaceAll(text, "\x00", "\uFFFD")
}

// retryAfter parses Retry-After, seconds or a date (RFC 9110, section 10.2.3), up to longestWait. An
// invalid value is 0.
func retryAfter(value string, now time.Time) time.Duration {
	wait := time.Duration(0)
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if date, err := http.ParseTime(value); err == nil {
		wait = date.Sub(now)
	}
	return min(max(wait, 0), longestWait)
}

// wait is the wait after the nth failed try; ok is false after the last.
func wait(tries int, random float64) (d time.Duration, ok bool) {
	if tries > len(schedule) {
		return 0, false
	}
	return time.Duration(float64(schedule[tries-1]) * (1 - jitter + 2*jitter*random)), true
}

// record writes attempts, schedules the next ones, and disables an endpoint that has failed for
// failsFor or has answered 410.
func (r *drainRun) record(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, finished []attempted) error {
	var since *time.Time
	if !slices.ContainsFunc(finished, func(a attempted) bool { return a.outcome.succeeded() }) {
		// The endpoint is locked before its deliveries, as everywhere.
		at, err := r.queries.SetWebhookFailing(ctx, tx, developerdb.SetWebhookFailingParams{EnvID: scope.Env.ID, ID: r.endpointID, Now: scope.Now})
		if errors.Is(err, pgx.ErrNoRows) {
			return nil // it has been deleted, and its deliveries with it
		}
		if err != nil {
			return fmt.Errorf("set a webhook failing: %w", err)
		}
		since = &at
	}
	ours, err := r.queries.RecordAttempts(ctx, tx, r.recordParams(scope, finished))
	if err != nil {
		return fmt.Errorf("record attempts: %w", err)
	}
	gone := slices.ContainsFunc(finished, func(a attempted) bool { return a.outcome.gone() && slices.Contains(ours, a.claim.ID) })
	switch {
	case gone:
		return r.disable(ctx, tx, scope, DisabledGone)
	case since != nil && len(ours) > 0 && scope.Now.Sub(*since) >= failsFor:
		return r.disable(ctx, tx, scope, DisabledFailing)
	}
	return nil
}

func (r *drainRun) recordParams(scope *tenancy.Scope, finished []attempted) developerdb.RecordAttemptsParams {
	params := developerdb.RecordAttemptsParams{EnvID: scope.Env.ID, EndpointID: r.endpointID, Now: scope.Now}
	for _, a := range finished {
		status, next := DeliverySucceeded, scope.Now
		if !a.outcome.succeeded() {
			status = DeliveryFailed
			//nolint:gosec // not a secret: spreads attempts
			if after, again := wait(int(a.claim.Tries)+1, rand.Float64()); again {
				status, next = DeliveryPending, scope.Now.Add(max(after, a.outcome.retryAfter))
			}
		}
		params.EventIds = append(params.EventIds, a.claim.ID)
		params.ClaimedUntil = append(params.ClaimedUntil, a.claim.until)
		params.Statuses = append(params.Statuses, status)
		params.NextAttemptsAt = append(params.NextAttemptsAt, next)
		params.StartedAt = append(params.StartedAt, a.outcome.started)
		params.DurationsMs = append(params.DurationsMs, int32(a.outcome.duration.Milliseconds()))
		params.StatusCodes = append(params.StatusCodes, a.outcome.status)
		params.Responses = append(params.Responses, a.outcome.response)
		params.Errors = append(params.Errors, a.outcome.error)
	}
	return params
}

// disable disables the endpoint and notifies the owners.
func (r *drainRun) disable(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, reason string) error {
	w, err := r.lock(ctx, tx, scope, r.endpointID, nil)
	if err != nil || !w.IsEnabled {
		return err
	}
	w.IsEnabled, w.DisabledReason, w.Version, w.UpdatedAt = false, &reason, w.Version+1, scope.Now
	if err := r.write(ctx, tx, scope, w); err != nil {
		return err
	}
	r.log.InfoContext(ctx, "webhook disabled", "env_id", scope.Env.ID, "webhook_id", w.ID, "reason", reason)
	data := map[string]any{"webhook_id": w.ID, "url": w.URL, "reason": reason}
	if err := r.owners.NotifyOwners(ctx, tx, scope, "webhook.disabled", data); err != nil {
		return err
	}
	return r.recordChange(ctx, tx, scope, "webhook.disabled", w)
}
