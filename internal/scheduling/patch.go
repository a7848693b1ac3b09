package scheduling

// set changes a field if there is a new value for it.
func set[T any](field, value *T) {
	if value != nil {
		*field = *value
	}
}

// Clearable is the change of a field that may be empty. The zero value leaves it as it is.
type Clearable[T any] struct {
	// Given says that To counts, nil included.
	Given bool
	To    *T
}

// NewClearable changes a field to the value; nil empties it.
func NewClearable[T any](to *T) Clearable[T] { return Clearable[T]{Given: true, To: to} }

func (c Clearable[T]) change(field **T) {
	if c.Given {
		*field = c.To
	}
}
