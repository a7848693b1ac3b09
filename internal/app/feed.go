package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// ListParkedEvents prints the events that a consumer could not handle, or all consumers if none is named.
func ListParkedEvents(ctx context.Context, c Config, consumer string, out io.Writer) error {
	return withFeed(ctx, c, "feed parked", func(a *App) error {
		list, err := a.Feed.ListParked(ctx, consumer)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		for _, e := range list {
			fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%d attempts\t%s\t%q\n", e.Consumer, e.EnvID, e.Sequence, e.Type, e.Attempts, e.ParkedAt.UTC().Format(time.RFC3339), e.Error)
		}
		if err := w.Flush(); err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "%d events are parked.\n", len(list))
		return err
	})
}

// RetryParkedEvents lets a consumer, or all consumers if none is named, handle their parked events. Those that fail again
// stay parked and are part of the error.
func RetryParkedEvents(ctx context.Context, c Config, consumer string, out io.Writer) error {
	return withFeed(ctx, c, "feed retry", func(a *App) error {
		list, err := a.Feed.ListParked(ctx, consumer)
		if err != nil {
			return err
		}
		var failures []error
		for _, e := range list {
			if err := a.Feed.RetryParked(ctx, e); err != nil {
				failures = append(failures, fmt.Errorf("%s, environment %s, event %d: %w", e.Consumer, e.EnvID, e.Sequence, err))
			}
		}
		_, err = fmt.Fprintf(out, "%d of %d parked events handled.\n", len(list)-len(failures), len(list))
		return errors.Join(err, errors.Join(failures...))
	})
}

func withFeed(ctx context.Context, c Config, command string, fn func(*App) error) error {
	if c.DatabaseURL == "" {
		return fmt.Errorf("%sDATABASE_URL is missing: %s works on the database that it names", Prefix, command)
	}
	return withApp(ctx, c, c.DatabaseURL, NewLogger(c), fn)
}
