package booking_test

import (
	"testing"

	"github.com/smoothschedule/smoothschedule/internal/testkit/schedulingtest"
)

// bundle is a business with two environments, and the services under test.
type bundle struct{ *schedulingtest.Business }

func setup(t *testing.T) *bundle {
	t.Helper()
	return &bundle{schedulingtest.New(t)}
}
