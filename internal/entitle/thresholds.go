package entitle

import (
	"context"
	"fmt"
	"time"

	"github.com/smoothschedule/smoothschedule/gen/db/entitledb"
)

// thresholds are the shares of a limit, in percent, at which a tenant is warned.
var thresholds = []int64{80, 100}

// ThresholdReached is the data of the event usage.threshold_reached.
type ThresholdReached struct {
	Quota       Quota  `json:"quota"`
	DisplayName string `json:"display_name"`
	// Percent is the threshold, not the exact share.
	Percent int64 `json:"percent"`
	Limit   int64 `json:"limit"`
	Used    int64 `json:"used"`
	// ResetsAt is nil for a quota that never resets.
	ResetsAt *time.Time `json:"resets_at"`
}

// warn emits an event for every threshold that the counter has reached for the first time in its
// period under this limit. The caller has locked the counter's row; the guarded update makes sure
// that each event is emitted once.
func (s *Set) warn(ctx context.Context, tx Tx, quota Quota, limit int64, counter entitledb.RaiseUsageRow) error {
	known := int64(counter.WarnedPercent)
	if counter.WarnedLimit == nil || *counter.WarnedLimit != limit {
		known = 0
	}
	for _, percent := range thresholds {
		if percent <= known || counter.Used < share(limit, percent) {
			continue
		}
		rows, err := queries.MarkUsageWarning(ctx, tx, entitledb.MarkUsageWarningParams{
			EnvID: s.EnvID, Quota: string(quota), Period: s.Period(quota), Percent: int16(percent), QuotaLimit: limit,
		})
		if err != nil {
			return fmt.Errorf("mark warning of %s: %w", quota, err)
		}
		if rows == 1 {
			tx.Emit("usage.threshold_reached", ThresholdReached{
				Quota: quota, DisplayName: quota.DisplayName(), Percent: percent, Limit: limit, Used: counter.Used,
				ResetsAt: s.ResetsAt(quota),
			})
		}
	}
	return nil
}

// share is percent of the limit, rounded up. It does not overflow, whatever the limit.
func share(limit, percent int64) int64 {
	return limit/100*percent + (limit%100*percent+99)/100
}
