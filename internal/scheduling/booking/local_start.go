package booking

import (
	"time"

	"github.com/smoothschedule/smoothschedule/internal/scheduling/localtime"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/tzdata"
)

// localStart is the local time that an appointment was booked for.
type localStart struct {
	// at is the local time of the start, in the form of localtime.WallClock.
	at       time.Time
	timezone string
	// tzdataVersion is the release of the time zone database that was used; nil is unknown.
	tzdataVersion *string
}

// localStartOf returns the local time of the business at a start.
func localStartOf(start time.Time, tenant *tenancy.Tenant) localStart {
	return localStart{at: localtime.WallClock(start, tenant.Location), timezone: tenant.Timezone, tzdataVersion: tzdataVersion()}
}

func tzdataVersion() *string {
	release := tzdata.Current()
	if release.Version == "" {
		return nil
	}
	return &release.Version
}
