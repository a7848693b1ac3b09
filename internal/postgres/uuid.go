package postgres

import (
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
	pgxuuid "github.com/vgarvardt/pgx-google-uuid/v5"
)

// registerUUID teaches a connection the type of our ids. pgxuuid does so for parameters.
// Results would still take the way over their text, because uuid.UUID is a sql.Scanner,
// which pgx prefers to what pgxuuid registers: most of the columns of most rows are ids.
func registerUUID(types *pgtype.Map) {
	pgxuuid.Register(types)
	one := &pgtype.Type{Name: "uuid", OID: pgtype.UUIDOID, Codec: uuidCodec{}}
	types.RegisterType(one)
	types.RegisterType(&pgtype.Type{Name: "_uuid", OID: pgtype.UUIDArrayOID, Codec: &pgtype.ArrayCodec{ElementType: one}})
}

// uuidCodec reads ids from their sixteen bytes. Null is the zero id, as for uuid.UUID's
// own Scan; what can be null belongs into a pointer.
type uuidCodec struct{ pgxuuid.UUIDCodec }

// PlanScan implements pgtype.Codec.
func (c uuidCodec) PlanScan(m *pgtype.Map, oid uint32, format int16, target any) pgtype.ScanPlan {
	if format == pgtype.BinaryFormatCode {
		switch target.(type) {
		case *uuid.UUID:
			return scanUUID{}
		case **uuid.UUID:
			return scanNullableUUID{}
		}
	}
	return c.UUIDCodec.PlanScan(m, oid, format, target)
}

type scanUUID struct{}

func (scanUUID) Scan(src []byte, dst any) error {
	target := dst.(*uuid.UUID)
	if src == nil {
		*target = uuid.Nil
		return nil
	}
	if len(src) != len(target) {
		return fmt.Errorf("cannot scan %d bytes into a uuid.UUID", len(src))
	}
	copy(target[:], src)
	return nil
}

type scanNullableUUID struct{}

func (scanNullableUUID) Scan(src []byte, dst any) error {
	target := dst.(**uuid.UUID)
	if src == nil {
		*target = nil
		return nil
	}
	*target = new(uuid.UUID)
	return scanUUID{}.Scan(src, *target)
}
