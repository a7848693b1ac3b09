package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5"
	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/contrib/instrumentation/github.com/labstack/echo/otelecho"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.26.0"

	"github.com/smoothschedule/smoothschedule/internal/httpapi"
)

// Telemetry is tracing with OpenTelemetry. It is enabled by the standard variables
// OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_EXPORTER_OTLP_TRACES_ENDPOINT.
type Telemetry struct {
	Middleware []echo.MiddlewareFunc
	// Tracer traces database statements, or is nil. It records the statements without their arguments.
	Tracer   pgx.QueryTracer
	shutdown func(context.Context) error
}

// NewTelemetry sets up tracing according to the variables of OpenTelemetry.
func NewTelemetry(ctx context.Context, log *slog.Logger) (*Telemetry, error) {
	t := &Telemetry{shutdown: func(context.Context) error { return nil }}
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" {
		return t, nil
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("OpenTelemetry exporter: %w", err)
	}
	about, err := resource.Merge(resource.Default(),
		resource.NewWithAttributes(semconv.SchemaURL, semconv.ServiceName("smoothschedule")))
	if err != nil && !errors.Is(err, resource.ErrSchemaURLConflict) {
		return nil, fmt.Errorf("OpenTelemetry resource: %w", err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))
	otel.SetTracerProvider(provider)
	otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}))
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("OpenTelemetry", "error", err) }))
	t.Middleware = []echo.MiddlewareFunc{otelecho.Middleware("smoothschedule", otelecho.WithSkipper(httpapi.CarriesSecret))}
	t.Tracer = otelpgx.NewTracer()
	t.shutdown = provider.Shutdown
	return t, nil
}

// Shutdown sends the remaining traces.
func (t *Telemetry) Shutdown(ctx context.Context) error { return t.shutdown(ctx) }
