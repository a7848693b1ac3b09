package jobs

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What River says at INFO is for those who debug; what goes wrong is for everybody.
func TestRiverIsQuiet(t *testing.T) {
	t.Parallel()
	say := func(level slog.Level) string {
		var written strings.Builder
		log := slog.New(quieter{slog.NewTextHandler(&written, &slog.HandlerOptions{Level: level})}).With("by", "river").WithGroup("g")
		log.Debug("debug")
		log.Info("counts", "a", 1)
		log.Warn("slow")
		return written.String()
	}
	usual, verbose := say(slog.LevelInfo), say(slog.LevelDebug)
	require.NotContains(t, usual, "counts")
	require.Contains(t, usual, "level=WARN msg=slow by=river")
	require.Contains(t, verbose, "level=DEBUG msg=counts by=river g.a=1")
	require.Contains(t, verbose, "level=DEBUG msg=debug")
}
