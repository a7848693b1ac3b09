package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/tenancydb"
	"github.com/smoothschedule/smoothschedule/internal/store"
)

// MinRetentionDays is how long entries are kept at least; the database refuses to drop younger ones.
const MinRetentionDays = 90

// Maintain adds the partitions of the trail that the next months need, and drops the months
// that ended more than retentionDays ago; it returns how many. It may be repeated, and
// run by several servers at once.
func Maintain(ctx context.Context, store *store.Store, now time.Time, retentionDays int) (dropped int, err error) {
	err = store.InPlatform(ctx, nil, func(tx pgx.Tx) error {
		months, err := tenancydb.New().MaintainAuditPartitions(ctx, tx, tenancydb.MaintainAuditPartitionsParams{
			At: now, DropBefore: now.AddDate(0, 0, -max(retentionDays, MinRetentionDays)),
		})
		dropped = int(months)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("maintain the partitions of the audit trail: %w", err)
	}
	return dropped, nil
}
