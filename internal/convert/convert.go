// Package convert owns the small steps between what services return and what the
// generated code wants, which are the same in the handlers of every domain. It calls nobody.
package convert

import "github.com/oapi-codegen/nullable"

// Nullable is null for nil, and otherwise the value: a required member is never left out.
func Nullable[T any](value *T) nullable.Nullable[T] {
	if value == nil {
		return nullable.NewNullNullable[T]()
	}
	return nullable.NewNullableWithValue(*value)
}

// All converts a list item by item. It is never nil, because nil would be null in JSON.
func All[From, To any](list []From, convert func(From) To) []To {
	out := make([]To, len(list))
	for i, item := range list {
		out[i] = convert(item)
	}
	return out
}
