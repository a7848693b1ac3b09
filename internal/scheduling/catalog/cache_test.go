package catalog_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/batch"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"
	"github.com/smoothschedule/smoothschedule/internal/store"
)

func TestWhatACatalogueHas(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.exec(`UPDATE services SET buffer_before_minutes = 5, buffer_after_minutes = 10, requires_approval = true, is_active = false,
		slot_step_minutes = 20, min_notice_minutes = 30, horizon_days = 40, max_per_day = 50, max_per_week = 60, version = 70 WHERE name = 'Massage'`)
	b.exec("UPDATE resources SET capacity = 2, weight = 3, max_per_day = 4, max_per_week = 5 WHERE name = 'Ana'")
	b.exec("INSERT INTO service_requirements (env_id, service_id, position, resource_type) SELECT env_id, id, 2, 'ROOM' FROM services WHERE name = 'Massage'")
	known := b.read(catalog.NewCache(), b.live)
	ana, spare := uuid.MustParse(resource), uuid.MustParse(spareResource)
	require.Equal(t, &catalog.ServiceEntry{
		Name: "Massage", Version: 70, BufferBeforeMinutes: 5, BufferAfterMinutes: 10, PriceAmount: 5000, PriceCurrency: "USD", RequiresApproval: true,
		Rules: availability.Service{
			Duration: time.Hour, BufferBefore: 5 * time.Minute, BufferAfter: 10 * time.Minute, SlotStep: 20 * time.Minute,
			MinNotice: 30 * time.Minute, Horizon: 40 * 24 * time.Hour, Limits: availability.Limits{MaxPerDay: 50, MaxPerWeek: 60},
			Requirements: []availability.Requirement{
				{Types: []availability.ResourceType{availability.Staff}, ResourceIDs: []uuid.UUID{ana}},
				{Types: []availability.ResourceType{availability.Room}},
			},
		},
	}, known.Service(uuid.MustParse(service)))
	require.Equal(t, &catalog.ResourceEntry{
		Name: "Ana", Type: "STAFF", UserID: &b.live.userID, Rules: availability.Resource{
			ID: ana, Type: availability.Staff, Active: true, Capacity: 2, Weight: 3, Limits: availability.Limits{MaxPerDay: 4, MaxPerWeek: 5},
		},
	}, known.Resource(ana))
	require.True(t, known.Service(uuid.MustParse(spareService)).Rules.Active)
	require.Nil(t, known.Service(ana))
	require.Nil(t, known.Resource(uuid.MustParse(service)))
	require.Len(t, known.Resources(), 2)
	require.Equal(t, []uuid.UUID{ana, spare}, []uuid.UUID{known.Resources()[0].Rules.ID, known.Resources()[1].Rules.ID})
	require.Empty(t, known.Calendar(spare, now, now.AddDate(0, 2, 0)))
	require.Len(t, known.Calendar(ana, now, now.AddDate(0, 2, 0)), 3)
}

// What is kept is what there is, or it is read.
func TestWhatIsKeptGoesWithItsVersion(t *testing.T) {
	t.Parallel()
	b := setup(t)
	cache, reader := catalog.NewCache(), b.store.Reader(b.live.Scope)
	at := func(version uuid.UUID) *catalog.Catalog {
		known, err := cache.At(t.Context(), reader, b.live.Env.ID, version, now)
		require.NoError(t, err)
		return known
	}
	require.Nil(t, cache.Cached(b.live.Env.ID))
	first := at(b.version(b.live))
	require.Same(t, first, cache.Cached(b.live.Env.ID))
	require.True(t, first.Is(b.version(b.live)))
	require.Same(t, first, at(b.version(b.live)))

	require.NotSame(t, first, at(uuid.Nil), "whoever changes it reads it")
	first = at(b.version(b.live))
	b.exec("UPDATE services SET name = 'New' WHERE id = '" + service + "'")
	require.Same(t, first, cache.Cached(b.live.Env.ID), "nobody has asked yet")
	require.False(t, first.Is(b.version(b.live)))
	require.False(t, first.Is(uuid.Nil))
	second := at(b.version(b.live))
	require.Equal(t, "New", second.Service(uuid.MustParse(service)).Name)
	require.Equal(t, "Massage", first.Service(uuid.MustParse(service)).Name, "others may still use it")

	cache.Forget(b.live.Env.ID)
	require.Nil(t, cache.Cached(b.live.Env.ID))
	_, err := cache.At(t.Context(), broken{}, b.live.Env.ID, b.version(b.live), now)
	require.ErrorIs(t, err, errChangedTheirMind)
	require.Nil(t, cache.Cached(b.live.Env.ID))
}

// broken is a database that cannot be asked.
type broken struct{}

func (broken) Batch(context.Context, ...batch.Statement) error { return errChangedTheirMind }

// meanwhile is a database in which something happens after the nth of the queries that it is
// asked together, as often as it is to.
type meanwhile struct {
	*store.Reader
	n, often int
	happens  func()
}

func (m *meanwhile) Batch(ctx context.Context, statements ...batch.Statement) error {
	for i, statement := range statements {
		if err := statement.Run(ctx, m.Reader); err != nil {
			return err
		}
		if i+1 == m.n && m.often > 0 {
			m.often--
			m.happens()
		}
	}
	return nil
}

// What changes while it is read is read again, so that all of it is of one version. If there is
// no end to it, what is read is newer than its version says, and not kept.
func TestAChangeWhileACatalogueIsRead(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id, ana := uuid.MustParse(service), uuid.MustParse(resource)
	changed := 0
	change := func() {
		changed++
		name := fmt.Sprint("New ", changed)
		b.exec("UPDATE services SET name = '" + name + "' WHERE id = '" + service + "'; UPDATE resources SET name = '" + name + "' WHERE id = '" + resource + "'")
	}
	for after := 1; after <= 4; after++ {
		cache, db := catalog.NewCache(), &meanwhile{b.store.Reader(b.live.Scope), after, 1, change}
		read, err := cache.Read(t.Context(), db, b.live.Env.ID, now)
		require.NoError(t, err)
		require.Zero(t, db.often)
		require.Equal(t, read.Service(id).Name, read.Resource(ana).Name, "after query %d", after)
		require.Same(t, read, b.at(cache, b.live))

		before := b.version(b.live)
		cache, db.often = catalog.NewCache(), 1000
		read, err = cache.Read(t.Context(), db, b.live.Env.ID, now)
		require.NoError(t, err)
		require.False(t, read.Is(before))
		require.False(t, read.Is(b.version(b.live)))
		require.Nil(t, cache.Cached(b.live.Env.ID))
		require.Equal(t, 1000-3, db.often)
	}
}

// No version says what a transaction sees that has changed the catalogue: it reads its own
// change, and nobody keeps that, whatever becomes of it.
func TestAChangingTransactionReadsForItself(t *testing.T) {
	t.Parallel()
	b := setup(t)
	cache, queries, id := catalog.NewCache(), schedulingdb.New(), uuid.MustParse(service)
	kept, version := b.at(cache, b.live), b.version(b.live)
	change := func(tx *store.Tx, name string) {
		_, err := tx.Exec(t.Context(), "UPDATE services SET name = $2 WHERE env_id = $1 AND id = $3", b.live.Env.ID, name, id)
		require.NoError(t, err)
	}
	said := func(tx *store.Tx) uuid.UUID {
		version, err := queries.GetCatalogVersion(t.Context(), tx, b.live.Env.ID)
		require.NoError(t, err)
		return version
	}
	require.ErrorIs(t, b.store.InEnv(t.Context(), b.live.Scope, func(tx *store.Tx) error {
		require.Equal(t, version, said(tx))
		do := func(sql string) {
			_, err := tx.Exec(t.Context(), sql)
			require.NoError(t, err)
		}
		do("SAVEPOINT a")
		change(tx, "first")
		require.Equal(t, uuid.Nil, said(tx))
		do("ROLLBACK TO a")
		require.Equal(t, version, said(tx), "nothing is changed any more")
		known, err := cache.At(t.Context(), tx, b.live.Env.ID, said(tx), now)
		require.NoError(t, err)
		require.Same(t, kept, known)

		change(tx, "second")
		do("SAVEPOINT a")
		change(tx, "third")
		do("ROLLBACK TO a")
		require.Equal(t, uuid.Nil, said(tx), "something still is")
		for _, name := range []string{"second", "fourth"} {
			change(tx, name)
			known, err := cache.At(t.Context(), tx, b.live.Env.ID, said(tx), now)
			require.NoError(t, err)
			require.Equal(t, name, known.Service(id).Name)
			require.Same(t, kept, cache.Cached(b.live.Env.ID))
			require.Same(t, kept, b.at(cache, b.live), "others see what is committed")
		}
		do("SET CONSTRAINTS ALL IMMEDIATE")
		require.Equal(t, uuid.Nil, said(tx), "nor does the version that it will have")
		return errChangedTheirMind
	}), errChangedTheirMind)
	require.Same(t, kept, b.at(cache, b.live))

	require.NoError(t, b.store.InEnv(t.Context(), b.live.Scope, func(tx *store.Tx) error {
		change(tx, "fifth")
		_, err := cache.Read(t.Context(), tx, b.live.Env.ID, now)
		return err
	}))
	require.Same(t, kept, cache.Cached(b.live.Env.ID))
	require.Equal(t, "fifth", b.at(cache, b.live).Service(id).Name)
}

// The connection that changed something tells the version again afterwards, as others do.
func TestAConnectionForgetsThatItHasChangedSomething(t *testing.T) {
	t.Parallel()
	b := setup(t)
	conn, err := b.db.AppPool().Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	for _, end := range []string{"commit", "rollback"} {
		for range 2 {
			for _, sql := range []string{
				"begin", "SELECT set_config('app.env_id', '" + b.live.Env.ID.String() + "', true)", "UPDATE services SET version = version + 1", end,
				"begin", "SELECT set_config('app.env_id', '" + b.live.Env.ID.String() + "', true)",
			} {
				_, err := conn.Exec(t.Context(), sql)
				require.NoError(t, err)
			}
			var version uuid.UUID
			require.NoError(t, conn.QueryRow(t.Context(), "SELECT version FROM current_catalogues WHERE env_id = $1", b.live.Env.ID).Scan(&version))
			require.Equal(t, b.version(b.live), version)
			_, err := conn.Exec(t.Context(), "commit")
			require.NoError(t, err)
		}
	}
}

// Two environments share a cache and nothing else.
func TestEnvironmentsHaveTheirOwnCatalogues(t *testing.T) {
	t.Parallel()
	b := setup(t)
	cache, id := catalog.NewCache(), uuid.MustParse(service)
	b.exec("UPDATE services SET name = 'Sandbox' WHERE env_id = $1 AND id = '"+service+"'", b.sandbox.Env.ID)
	live, sandbox := b.at(cache, b.live), b.at(cache, b.sandbox)
	require.Equal(t, []string{"Massage", "Sandbox"}, []string{live.Service(id).Name, sandbox.Service(id).Name})
	require.False(t, live.Is(b.version(b.sandbox)))

	b.exec("DELETE FROM service_requirements WHERE env_id = $1", b.live.Env.ID)
	require.Same(t, sandbox, b.at(cache, b.sandbox))
	live = b.at(cache, b.live)
	cache.Forget(b.sandbox.Env.ID)
	require.Same(t, live, b.at(cache, b.live))

	// Whoever asks for one in the other sees nothing, and that is not kept either.
	_, err := cache.At(t.Context(), b.store.Reader(b.live.Scope), b.sandbox.Env.ID, b.version(b.sandbox), now)
	require.NoError(t, err)
	require.Nil(t, cache.Cached(b.sandbox.Env.ID))
	require.Equal(t, "Sandbox", b.at(cache, b.sandbox).Service(id).Name)
}

// recursFor is for how long what recurs does so.
const recursFor = 2 * 24 * time.Hour

// What surrounds a time is what ListCalendarEntries says, and what recurred before.
func TestSurroundingsAreThoseOfTheQuery(t *testing.T) {
	t.Parallel()
	b := setup(t)
	random := rand.New(rand.NewPCG(1, 2))
	since := now.Add(-8 * 24 * time.Hour)
	moment := func() time.Time { return since.Add(time.Duration(random.IntN(40*24*4)-10*24*4) * 15 * time.Minute) }
	b.exec("INSERT INTO schedules (env_id, id, is_set, updated_at) VALUES ($1, gen_random_uuid(), true, now())", b.live.Env.ID)
	b.exec("INSERT INTO schedules (env_id, id, resource_id, is_set, updated_at) VALUES ($1, gen_random_uuid(), '"+spareResource+"', false, now())", b.live.Env.ID)
	b.exec(`INSERT INTO schedule_overrides (env_id, schedule_id, date) SELECT s.env_id, s.id, d::date FROM schedules s,
		generate_series('2026-10-25'::timestamptz, '2027-01-20', '1 day') d WHERE s.env_id = $1 ON CONFLICT DO NOTHING`, b.live.Env.ID)
	ids := []*string{nil, new(resource), new(spareResource)}
	for i := range 150 {
		start := moment()
		end := start.Add(time.Duration(1+random.IntN(400)) * 15 * time.Minute)
		var rule, zone *string
		until := end
		if i%3 == 0 {
			rule, zone, until = new("FREQ=DAILY;COUNT=3"), new("UTC"), end.Add(recursFor)
		}
		b.exec(`INSERT INTO time_off (env_id, id, resource_id, title, start_at, end_at, rrule, timezone, blocks_until, created_at, updated_at)
			VALUES ($1, gen_random_uuid(), $2::uuid, 'T', $3::timestamptz, $4::timestamptz, $5, $6, $7::timestamptz, now(), now())`,
			b.live.Env.ID, ids[i%3], start.Format(time.RFC3339), end.Format(time.RFC3339), rule, zone, until.Format(time.RFC3339))
	}
	known := b.read(catalog.NewCache(), b.live)
	midnight := time.Date(2026, time.November, 20, 0, 0, 0, 0, time.UTC)
	windows := [][2]time.Time{
		{since, since.Add(time.Microsecond)},
		{since, now},
		{midnight, midnight.AddDate(0, 0, 1)},
		{midnight.Add(-time.Microsecond), midnight.Add(time.Microsecond)},
		{since.Add(-time.Microsecond), now},
		{since.AddDate(0, 0, -30), now},
		{now.AddDate(0, 0, 90), now.AddDate(0, 0, 91)},
	}
	for range 200 {
		from := moment()
		windows = append(windows, [2]time.Time{from, from.Add(time.Duration(1+random.IntN(2000)) * time.Minute)})
	}
	kinds, unknown := map[string]int{}, 0
	for _, window := range windows {
		from, to := window[0], window[1]
		require.Equal(t, !from.Before(since), known.Covers(from))
		if !known.Covers(from) {
			unknown++
			continue
		}
		want, err := schedulingdb.New().ListCalendarEntries(t.Context(), b.store.Reader(b.live.Scope), schedulingdb.ListCalendarEntriesParams{
			EnvID: b.live.Env.ID, FromAt: from, ToAt: to,
		})
		require.NoError(t, err)
		var got []catalog.CalendarEntry
		for _, id := range []uuid.UUID{uuid.Nil, uuid.MustParse(resource), uuid.MustParse(spareResource)} {
			of := known.Calendar(id, from, to)
			firstOverride := slices.IndexFunc(of, func(s catalog.CalendarEntry) bool { return s.Kind != catalog.KindHours })
			for i, s := range of {
				require.Equal(t, id, valueOf(s.ResourceID))
				require.False(t, s.Kind == catalog.KindHours && firstOverride >= 0 && i > firstOverride, "hours come first")
			}
			got = append(got, of...)
		}
		more := slices.DeleteFunc(slices.Clone(got), func(s catalog.CalendarEntry) bool {
			return s.Rrule == nil || s.EndAt.Add(recursFor).After(from)
		})
		require.ElementsMatch(t, describe(append(want, more...)), describe(got), "%s to %s", from, to)
		for _, s := range want {
			kinds[s.Kind]++
		}
		kinds["more"] += len(more)
	}
	for _, kind := range []string{catalog.KindHours, catalog.KindOverride, catalog.KindTimeOff, "more"} {
		require.Positive(t, kinds[kind], kind)
	}
	require.Greater(t, unknown, 10)
}

func valueOf(id *uuid.UUID) uuid.UUID {
	if id == nil {
		return uuid.Nil
	}
	return *id
}

func describe(list []catalog.CalendarEntry) []string {
	texts := make([]string, len(list))
	for i, s := range list {
		at := func(t *time.Time) string {
			if t == nil {
				return ""
			}
			return t.UTC().String()
		}
		texts[i] = fmt.Sprintln(s.Kind, s.ObjectID, valueOf(s.ResourceID), at(s.Date), at(s.StartAt), at(s.EndAt), s.Rrule != nil, s.Weekdays, s.StartMinutes, s.EndMinutes)
	}
	return texts
}
