package feed

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/smoothschedule/smoothschedule/gen/db/tenancydb"
)

// metrics counts what this server does, and asks the database how far consumers are behind.
type metrics struct {
	runner *Runner
	events *prometheus.CounterVec
	errors *prometheus.CounterVec

	mu   sync.Mutex
	lags map[string]lag
	// lagsAt is when lags were read; zero if that failed.
	lagsAt time.Time
}

// lag is how far a consumer is behind.
type lag struct {
	environments int
	// since is when the oldest event was made that is not handled; zero if there is none.
	since  time.Time
	parked int64
}

const (
	// lagsKept is for how long lags are shown again.
	lagsKept = 10 * time.Second
	// lagsTimeout is how long reading them may take.
	lagsTimeout = 5 * time.Second
)

var (
	behindDesc = prometheus.NewDesc("smoothschedule_feed_environments_behind",
		"Environments with events that a feed consumer has not handled, in the whole installation.", []string{"consumer"}, nil)
	ageDesc = prometheus.NewDesc("smoothschedule_feed_oldest_event_age_seconds",
		"Age of the oldest event that a feed consumer has not handled, in the whole installation; 0 if there is none.", []string{"consumer"}, nil)
	parkedDesc = prometheus.NewDesc("smoothschedule_feed_parked_events",
		"Events that a feed consumer could not handle and has left out, in the whole installation.", []string{"consumer"}, nil)
)

func newMetrics(r *Runner) *metrics {
	m := &metrics{
		runner: r,
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "smoothschedule_feed_events_total", Help: "Events that feed consumers have handled or parked.",
		}, []string{"consumer", "outcome"}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "smoothschedule_feed_failures_total", Help: "Batches of events that feed consumers could not handle. They are tried again.",
		}, []string{"consumer"}),
	}
	for _, l := range r.lanes {
		m.handled(l.Name, 0)
		m.events.WithLabelValues(l.Name, "parked")
		m.errors.WithLabelValues(l.Name)
	}
	return m
}

func (m *metrics) handled(consumer string, events int) {
	m.events.WithLabelValues(consumer, "handled").Add(float64(events))
}

func (m *metrics) parked(consumer string) { m.events.WithLabelValues(consumer, "parked").Inc() }

func (m *metrics) failed(consumer string) { m.errors.WithLabelValues(consumer).Inc() }

// Collectors are the metrics of the consumers.
func (r *Runner) Collectors() []prometheus.Collector {
	return []prometheus.Collector{r.metrics.events, r.metrics.errors, r.metrics}
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(descriptions chan<- *prometheus.Desc) {
	descriptions <- behindDesc
	descriptions <- ageDesc
	descriptions <- parkedDesc
}

// Collect implements prometheus.Collector. While the database does not answer, it shows no lags.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	lags, err := m.currentLags()
	if err != nil {
		m.runner.log.Warn("read how far feed consumers are behind", "error", err)
		return
	}
	for _, l := range m.runner.lanes {
		found := lags[l.Name]
		age := 0.0
		if !found.since.IsZero() {
			age = max(0, m.runner.now().Sub(found.since).Seconds())
		}
		out <- prometheus.MustNewConstMetric(behindDesc, prometheus.GaugeValue, float64(found.environments), l.Name)
		out <- prometheus.MustNewConstMetric(ageDesc, prometheus.GaugeValue, age, l.Name)
		out <- prometheus.MustNewConstMetric(parkedDesc, prometheus.GaugeValue, float64(found.parked), l.Name)
	}
}

func (m *metrics) currentLags() (map[string]lag, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.lagsAt.IsZero() && m.runner.now().Sub(m.lagsAt) < lagsKept {
		return m.lags, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), lagsTimeout)
	defer cancel()
	lags, err := m.runner.readLags(ctx)
	if err != nil {
		return nil, err
	}
	m.lags, m.lagsAt = lags, m.runner.now()
	return lags, nil
}

// readLags returns the lag of each consumer that has any.
func (r *Runner) readLags(ctx context.Context) (map[string]lag, error) {
	wanted, _, err := r.findBehind(ctx)
	if err != nil {
		return nil, err
	}
	lags := map[string]lag{}
	for l, list := range wanted {
		found := lag{environments: len(list)}
		for _, b := range list {
			if !b.since.IsZero() && (found.since.IsZero() || b.since.Before(found.since)) {
				found.since = b.since
			}
		}
		lags[l.Name] = found
	}
	var parked []tenancydb.CountParkedEventsRow
	err = r.store.InPlatform(ctx, nil, func(tx pgx.Tx) (err error) {
		parked, err = queries.CountParkedEvents(ctx, tx)
		return err
	})
	for _, row := range parked {
		found := lags[row.Consumer]
		found.parked = row.Count
		lags[row.Consumer] = found
	}
	return lags, err
}
