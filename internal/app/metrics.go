package app

import (
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
)

// poolCollector collects the usage of a pool. If requests wait for connections, the server needs more of
// them, or faster statements.
type poolCollector struct {
	name string
	pool *pgxpool.Pool
}

var (
	poolConnections = prometheus.NewDesc("smoothschedule_db_connections",
		"Database connections, by pool and state.", []string{"pool", "state"}, nil)
	poolWaits = prometheus.NewDesc("smoothschedule_db_waits_total",
		"Number of times a request waited for a connection.", []string{"pool"}, nil)
	poolWaited = prometheus.NewDesc("smoothschedule_db_wait_seconds_total",
		"Total time that requests waited for connections.", []string{"pool"}, nil)
)

// Describe implements prometheus.Collector. It sends nothing, because several collectors share the
// descriptions; that makes them unchecked collectors.
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
