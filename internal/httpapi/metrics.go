package httpapi

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics counts requests by operation, never by path or tenant: both are unbounded.
type metrics struct {
	registry *prometheus.Registry
	duration *prometheus.HistogramVec
	// right and wrong count presumptions of who asks.
	right, wrong prometheus.Counter
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
	presumptions := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "smoothschedule_presumptions_total",
		Help: "Requests for which it was presumed who asks, by whether that was right. Each one that was wrong is run twice.",
	}, []string{"outcome"})
	m.right, m.wrong = presumptions.WithLabelValues("right"), presumptions.WithLabelValues("wrong")
	m.registry.MustRegister(m.duration, presumptions, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) observe(operation, method string, status int, took time.Duration) {
	if operation == "" {
		operation = "none"
	}
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
	default:
		method = "other" // anyone can invent methods
	}
	m.duration.WithLabelValues(operation, method, strconv.Itoa(status)).Observe(took.Seconds())
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Metrics is where other parts of the server add theirs.
func (s *Server) Metrics() prometheus.Registerer { return s.metrics.registry }
