package contract

import (
	"errors"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/smoothschedule/smoothschedule/internal/currency"
	"github.com/smoothschedule/smoothschedule/internal/names"
	"github.com/smoothschedule/smoothschedule/internal/tzdata"
)

//nolint:gochecknoinits // kin-openapi keeps formats in a global; set once, before any document is loaded
func init() {
	openapi3.DefineStringFormatValidator("name", openapi3.NewCallbackValidator(names.Check))
	openapi3.DefineStringFormatValidator("name-or-empty", openapi3.NewCallbackValidator(func(name string) error {
		if name == "" {
			return nil
		}
		return names.Check(name)
	}))
	openapi3.DefineStringFormatValidator("time-zone", openapi3.NewCallbackValidator(func(name string) error {
		if _, err := tzdata.Load(name); err != nil {
			return errors.New(tzdata.Rule) //nolint:staticcheck // a sentence for clients
		}
		return nil
	}))
	openapi3.DefineStringFormatValidator("currency", openapi3.NewCallbackValidator(currency.Check))
}
