// Package keyset owns the form of list cursors: where a page ended, tied to the
// filters it was made with. It calls nobody; the positions are the callers'.
package keyset

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"hash/fnv"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
)

const (
	// DefaultLimit is the page size when a request names none.
	DefaultLimit = 25
	// MaxLimit is the largest page size; the contract refuses larger ones.
	MaxLimit = 100
)

// Page is what a list request asks for.
type Page struct {
	// Limit is the page size, in items; 0 means DefaultLimit.
	Limit int
	// Cursor is the next_cursor of the page before, or empty.
	Cursor string
}

// NewPage builds a Page from optional request parameters.
func NewPage(limit *int, cursor *string) Page {
	page := Page{Limit: DefaultLimit}
	if limit != nil {
		page.Limit = *limit
	}
	if cursor != nil {
		page.Cursor = *cursor
	}
	return page
}

// Size returns the page size, between 1 and MaxLimit.
func (p Page) Size() int {
	switch {
	case p.Limit <= 0:
		return DefaultLimit
	case p.Limit > MaxLimit:
		return MaxLimit
	}
	return p.Limit
}

type token struct {
	Filters  uint32          `json:"f"`
	Position json.RawMessage `json:"p"`
}

// Encode returns the cursor for a position in a list with the filters. Both must
// be encodable as JSON.
func Encode(filters, position any) string {
	p, err := json.Marshal(position)
	if err != nil {
		panic("keyset: position cannot be encoded: " + err.Error())
	}
	raw, err := json.Marshal(token{Filters: fingerprint(filters), Position: p})
	if err != nil {
		panic("keyset: cursor cannot be encoded: " + err.Error())
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// Decode reads the position of a cursor into position. It returns an
// InvalidCursor error if the cursor is not one of Encode's or was made with other
// filters. An empty cursor leaves position as it is.
func Decode(cursor string, filters, position any) error {
	if cursor == "" {
		return nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return invalid("The cursor is not one of ours.")
	}
	var t token
	if err := decodeStrictly(raw, &t); err != nil || len(t.Position) == 0 {
		return invalid("The cursor is not one of ours.")
	}
	if t.Filters != fingerprint(filters) {
		return invalid("The cursor belongs to a list with other filters. Start again without it.")
	}
	if err := decodeStrictly(t.Position, position); err != nil {
		return invalid("The cursor is not one of ours.")
	}
	return nil
}

func decodeStrictly(raw []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

func fingerprint(filters any) uint32 {
	raw, err := json.Marshal(filters)
	if err != nil {
		panic("keyset: filters cannot be encoded: " + err.Error())
	}
	h := fnv.New32a()
	h.Write(raw)
	return h.Sum32()
}

func invalid(detail string) error {
	return apperr.New(apperr.InvalidCursor, "%s", detail).WithFields(apperr.Field{Pointer: "?cursor", Detail: detail})
}

// Cut returns the items of a page from up to Size()+1 rows, and whether there are more.
func Cut[T any](page Page, rows []T) ([]T, bool) {
	if len(rows) > page.Size() {
		return rows[:page.Size()], true
	}
	return rows, false
}

// RowLimit is the number of rows to read for the page: one more than it has room for
// tells whether another page follows.
func (p Page) RowLimit() int32 { return int32(p.Size()) + 1 }

// List is a page of a list.
type List[T any] struct {
	// Data is never nil.
	Data []T
	// NextCursor leads to the next page; nil on the last one.
	NextCursor *string
}

// NewList makes a page of up to RowLimit rows. The position of its last item, and the
// filters of the list, go into the cursor; both must be encodable as JSON.
func NewList[R, T, P any](page Page, rows []R, filters any, convert func(R) T, position func(T) P) List[T] {
	converted := make([]T, len(rows))
	for i, row := range rows {
		converted[i] = convert(row)
	}
	return ListOf(page, converted, filters, position)
}

// ListOf is NewList for rows that are items already.
func ListOf[T, P any](page Page, items []T, filters any, position func(T) P) List[T] {
	items, more := Cut(page, items)
	list := List[T]{Data: items}
	if items == nil {
		list.Data = []T{} // which JSON tells from null
	}
	if more {
		cursor := Encode(filters, position(items[len(items)-1]))
		list.NextCursor = &cursor
	}
	return list
}
