package booking

import (
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/store"
)

// violations are the constraints of appointments.
var violations = store.Violations{
	store.ForeignKey("appointments_service"):  func() *apperr.Error { return apperr.NewUnknownReference("/service_id", "service") },
	store.ForeignKey("appointments_customer"): func() *apperr.Error { return apperr.NewUnknownReference("/customer_id", "customer") },
}
