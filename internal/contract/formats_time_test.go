package contract_test

import (
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"
)

func TestFormats_time(t *testing.T) {
	t.Parallel()
	for format, texts := range map[string]map[string]bool{
		"date-time": {
			"2027-03-01T09:00:00Z": true, "2028-02-29T23:59:59.123456789+14:00": true, "0001-01-01T00:00:00Z": true, "9999-12-31T23:59:59Z": true,
			"2027-03-01T09:00:00-23:59": true,
			"2027-02-29T09:00:00Z":      false, "2027-04-31T09:00:00Z": false, "2027-13-01T09:00:00Z": false, "2027-03-00T09:00:00Z": false,
			"2027-03-01T24:00:00Z": false, "2027-03-01T09:60:00Z": false, "2027-06-30T23:59:60Z": false, "2027-03-01T09:00:00+24:00": false,
			"2027-03-01T09:00:00+01:60": false, "2027-03-01T09:00:00": false, "2027-03-01": false, "2027-03-01 09:00:00Z": false, "": false,
			"0000-12-31T23:59:59Z": false, "0001-01-01T00:00:00+00:01": false, "9999-12-31T23:59:59-00:01": false, "12027-03-01T09:00:00Z": false,
			"2027-03-01T09:00:00,5Z": false, "2027-03-01T9:00:00Z": false, "２０２７-03-01T09:00:00Z": false, "2027-03-01T09:00:00Z ": false,
		},
		"date": {
			"2027-03-01": true, "2028-02-29": true, "0001-01-01": true, "9999-12-31": true,
			"2027-02-29": false, "2100-02-29": false, "2027-06-31": false, "2027-00-10": false, "0000-01-01": false, "10000-01-01": false,
			"2027-3-1": false, "2027-03-01T00:00:00Z": false, "": false,
		},
	} {
		schema := openapi3.NewStringSchema().WithFormat(format)
		for text, fits := range texts {
			if err := schema.VisitJSON(text); fits {
				require.NoError(t, err, "%s %q", format, text)
			} else {
				require.ErrorContains(t, err, "must be a date", "%s %q", format, text)
			}
		}
	}
}
