package catalog

import (
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/store"
)

// violations are the constraints of the catalog's tables.
var violations = store.Violations{
	store.ForeignKey("resources_user"):     func() *apperr.Error { return apperr.NewUnknownReference("/user_id", "user") },
	store.ForeignKey("schedules_resource"): func() *apperr.Error { return apperr.NewNotFound("resource") },
	store.ForeignKey("time_off_resource"):  func() *apperr.Error { return apperr.NewUnknownReference("/resource_id", "resource") },
	store.Check("services_currency"):       func() *apperr.Error { return otherCurrency("that of the business") },
}

func otherCurrency(want string) *apperr.Error {
	return apperr.NewInvalid("/price/currency", "must be %s: services are priced in the currency of their business.", want)
}
