package app

import (
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
)

// poolCollector shows how busy a pool is: a server that waits for connections needs
// more of them, or fewer slow statements.
type poolCollector struct {
	name string
	pool *pgxpool.Pool
}

var (
	poolConnections = prometheus.NewDesc("smoothschedule_db_connections",
		"Database connections, by pool and state.", []string{"pool", "state"}, nil)
	poolWaits = prometheus.NewDesc("smoothschedule_db_waits_total",
		"How often a request had to wait for a connection.", []string{"pool"}, nil)
	poolWaited = prometheus.NewDesc("smoothschedule_db_wait_seconds_total",
		"How long requests waited for connections.", []string{"pool"}, nil)
)

// Describe implements prometheus.Collector. It is empty because several collectors
// share the descriptions, which makes them unchecked ones.
func (poolCollector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c poolCollector) Collect(metrics chan<- prometheus.Metric) {
	stat := c.pool.Stat()
	for state, n := range map[string]int32{"acquired": stat.AcquiredConns(), "idle": stat.IdleConns(), "max": stat.MaxConns()} {
		metrics <- prometheus.MustNewConstMetric(poolConnections, prometheus.GaugeValue, float64(n), c.name, state)
	}
	metrics <- prometheus.MustNewConstMetric(poolWaits, prometheus.CounterValue, float64(stat.EmptyAcquireCount()), c.name)
	metrics <- prometheus.MustNewConstMetric(poolWaited, prometheus.CounterValue, stat.EmptyAcquireWaitTime().Seconds(), c.name)
}
