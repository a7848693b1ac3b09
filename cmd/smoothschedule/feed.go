package main

import (
	"context"
	"flag"

	"github.com/smoothschedule/smoothschedule/internal/app"
)

func defineFeed(flags *flag.FlagSet) action {
	consumer := flags.String("consumer", "", "only events of this `consumer`")
	return func(ctx context.Context, s streams, choice string) error {
		c, _, err := load()
		if err != nil {
			return err
		}
		if choice == "retry" {
			return app.RetryParkedEvents(ctx, c, *consumer, s.out)
		}
		return app.ListParkedEvents(ctx, c, *consumer, s.out)
	}
}
