package postgres

import (
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
	pgxuuid "github.com/vgarvardt/pgx-google-uuid/v5"
)

// registerUUID teaches a connection the type of our ids, as pgxuuid does. But results, and
// parameters that are pointers, would still take the way over their text, because uuid.UUID
// is a sql.Scanner and a driver.Valuer, which pgx prefers to what pgxuuid registers: most of
// the columns of most rows are ids.
func registerUUID(types *pgtype.Map) {
	pgxuuid.Register(types)
	one := &pgtype.Type{Name: "uuid", OID: pgtype.UUIDOID, Codec: uuidCodec{}}
	types.RegisterType(one)
	types.RegisterType(&pgtype.Type{Name: "_uuid", OID: pgtype.UUIDArrayOID, Codec: &pgtype.ArrayCodec{ElementType: one}})
}

// uuidCodec reads and writes ids as their sixteen bytes. Null is the zero id, as for uuid.UUID's
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

// PlanEncode implements pgtype.Codec.
func (c uuidCodec) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if format == pgtype.BinaryFormatCode {
		switch value.(type) {
		case uuid.UUID:
			return encodeUUID{}
		case *uuid.UUID:
			return encodeNullableUUID{}
		}
	}
	return c.UUIDCodec.PlanEncode(m, oid, format, value)
}

type encodeUUID struct{}

func (encodeUUID) Encode(value any, buf []byte) ([]byte, error) {
	id := value.(uuid.UUID)
	return append(buf, id[:]...), nil
}

type encodeNullableUUID struct{}

// Encode returns nil for null.
func (encodeNullableUUID) Encode(value any, buf []byte) ([]byte, error) {
	id := value.(*uuid.UUID)
	if id == nil {
		return nil, nil
	}
	return append(buf, id[:]...), nil
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
