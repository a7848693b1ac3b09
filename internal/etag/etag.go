// Package etag owns the form of entity tags: a version number in quotes. It
// calls nobody.
package etag

import (
	"strconv"
	"strings"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
)

// Format returns the ETag of a version.
func Format(version int32) string { return `"` + strconv.FormatInt(int64(version), 10) + `"` }

// Parse returns the version that an If-Match header names, or nil if there is
// none or it is "*". A weak tag counts like a strong one, because proxies that
// compress weaken tags. Anything else is an InvalidRequest error.
func Parse(header *string) (*int32, error) {
	if header == nil {
		return nil, nil
	}
	tag := strings.TrimPrefix(strings.TrimSpace(*header), "W/")
	if tag == "*" {
		return nil, nil
	}
	if len(tag) > 2 && tag[0] == '"' && tag[len(tag)-1] == '"' {
		if v, err := strconv.ParseInt(tag[1:len(tag)-1], 10, 32); err == nil && v > 0 {
			version := int32(v)
			return &version, nil
		}
	}
	const detail = `If-Match must be an ETag that this server gave out, such as "3".`
	return nil, apperr.New(apperr.InvalidRequest, detail).WithFields(apperr.Field{Pointer: "If-Match", Detail: detail})
}

// Check returns a VersionMismatch error if a version is wanted and current is
// another; noun names the object in the text.
func Check(want *int32, current int32, noun string) error {
	if want == nil || *want == current {
		return nil
	}
	return apperr.New(apperr.VersionMismatch,
		"The %s is at version %d now. Read it again and repeat the change.", noun, current).
		With("current_version", current)
}
