package httpapi

import (
	"cmp"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics counts requests by operation, never by path or tenant, whose number is unbounded.
type metrics struct {
	registry *prometheus.Registry
	duration *prometheus.HistogramVec
	// identityValid and identityStale count requests that ran with a cached identity.
	identityValid, identityStale prometheus.Counter
	// slow counts requests that took longer than Options.SlowAfter, slowRunning those still running.
	slow        *prometheus.CounterVec
	slowRunning prometheus.Gauge
	// untrusted counts requests with X-Forwarded-For from peers that are not trusted proxies.
	untrusted prometheus.Counter
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "smoothschedule_http_request_duration_seconds",
			Help:    "Time to answer a request, by operation of the contract.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
		}, []string{"operation", "method", "status"}),
	}
	identities := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "smoothschedule_cached_identities_total",
		Help: "Requests that ran with a cached identity, by whether it was valid or stale. Stale ones are run again.",
	}, []string{"outcome"})
	m.identityValid, m.identityStale = identities.WithLabelValues("valid"), identities.WithLabelValues("stale")
	m.slow = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "smoothschedule_http_slow_requests_total",
		Help: "Requests that ran longer than 5 s plus the long-polling time, by operation of the contract.",
	}, []string{"operation"})
	m.slowRunning = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "smoothschedule_http_slow_requests_running",
		Help: "Slow requests that are still running.",
	})
	m.untrusted = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "smoothschedule_untrusted_forwarding_total",
		Help: "Requests whose X-Forwarded-For was ignored because the peer is not a trusted proxy.",
	})
	m.registry.MustRegister(m.duration, identities, m.slow, m.slowRunning, m.untrusted, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// noOperation is the label of requests for paths that are not in the contract.
const noOperation = "none"

func (m *metrics) observe(operation, method string, status int, took time.Duration) {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
	default:
		method = "other" // clients can send any method; labels must be bounded
	}
	m.duration.WithLabelValues(cmp.Or(operation, noOperation), method, strconv.Itoa(status)).Observe(took.Seconds())
}

// beginSlow counts a request that has exceeded Options.SlowAfter.
func (m *metrics) beginSlow(operation string) {
	m.slow.WithLabelValues(cmp.Or(operation, noOperation)).Inc()
	m.slowRunning.Inc()
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Metrics returns the registry for the metrics of other packages.
func (s *Server) Metrics() prometheus.Registerer { return s.metrics.registry }
