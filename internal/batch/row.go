package batch

import "github.com/jackc/pgx/v5"

// Row is the first row of a query.
type Row struct {
	rows pgx.Rows
	err  error
	// onRead, if not nil, is called with the row before it is scanned.
	onRead func(pgx.Rows)
}

// RowOf takes what Query returned.
func RowOf(rows pgx.Rows, err error) *Row { return &Row{rows: rows, err: err} }

// OnRead lets fn see the row before it is scanned.
func (r *Row) OnRead(fn func(pgx.Rows)) *Row {
	r.onRead = fn
	return r
}

// Scan implements pgx.Row. Errors: pgx.ErrNoRows.
func (r *Row) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	defer r.rows.Close()
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return pgx.ErrNoRows
	}
	if r.onRead != nil {
		r.onRead(r.rows)
	}
	if err := r.rows.Scan(dest...); err != nil {
		return err
	}
	r.rows.Close()
	return r.rows.Err()
}
