// Package patch owns the changes of single fields of an update. It calls nothing.
package patch

// Set sets the field to the value unless that is nil.
func Set[T any](field, value *T) {
	if value != nil {
		*field = *value
	}
}

// Clearable is the change of an optional field. The zero value changes nothing.
type Clearable[T any] struct {
	// Given says that the field is set to To, even if To is nil.
	Given bool
	To    *T
}

// NewClearable sets the field to the value; nil clears it.
func NewClearable[T any](to *T) Clearable[T] { return Clearable[T]{Given: true, To: to} }

// Apply changes the field.
func (c Clearable[T]) Apply(field **T) {
	if c.Given {
		*field = c.To
	}
}
