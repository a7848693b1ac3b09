package booking

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/batch"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// newToken returns 256 random bits as text, and the hash that is kept of it.
func newToken() (token string, hash []byte) {
	var secret [32]byte
	rand.Read(secret[:]) // which never fails
	token = base64.RawURLEncoding.EncodeToString(secret[:])
	return token, hashToken(token)
}

func hashToken(token string) []byte {
	hash := sha256.Sum256([]byte(token))
	return hash[:]
}

// capability returns what a token is for; both ids are nil if it is for nothing here.
func (s *PublicBooking) capability(
	ctx context.Context, db schedulingdb.DBTX, scope *tenancy.Scope, token string,
) (found schedulingdb.GetBookingCapabilityRow, err error) {
	found, err = s.appointments.queries.GetBookingCapability(ctx, db, schedulingdb.GetBookingCapabilityParams{
		EnvID: scope.Env.ID, TokenHash: hashToken(token),
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return found, nil
	}
	if err != nil {
		return found, fmt.Errorf("get booking capability: %w", err)
	}
	return found, nil
}

// grant lets whoever has the token get at the hold, or the appointment, with the commit.
func (s *PublicBooking) grant(tx *store.Tx, scope *tenancy.Scope, hash []byte, holdID, appointmentID *uuid.UUID) {
	params := schedulingdb.InsertBookingCapabilityParams{
		EnvID: scope.Env.ID, TokenHash: hash, HoldID: holdID, AppointmentID: appointmentID, Now: scope.Now,
	}
	tx.OnCommit(batch.Write(s.appointments.queries.InsertBookingCapability, params).Doing("insert booking capability"))
}
