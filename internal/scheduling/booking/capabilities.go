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

// newToken returns 256 random bits as text, and the hash that is stored.
func newToken() (token string, hash []byte) {
	var secret [32]byte
	rand.Read(secret[:]) // never fails
	token = base64.RawURLEncoding.EncodeToString(secret[:])
	return token, hashToken(token)
}

func hashToken(token string) []byte {
	hash := sha256.Sum256([]byte(token))
	return hash[:]
}

// readCapability returns the object that a token gives access to; both ids are nil for an unknown token.
func readCapability(
	ctx context.Context, db schedulingdb.DBTX, scope *tenancy.Scope, token string,
) (found schedulingdb.GetBookingCapabilityRow, err error) {
	found, err = queries.GetBookingCapability(ctx, db, schedulingdb.GetBookingCapabilityParams{
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

// grantCapability gives the token access to a hold or an appointment, with the commit.
func grantCapability(tx *store.Tx, scope *tenancy.Scope, hash []byte, holdID, appointmentID *uuid.UUID) {
	params := schedulingdb.InsertBookingCapabilityParams{
		EnvID: scope.Env.ID, TokenHash: hash, HoldID: holdID, AppointmentID: appointmentID, Now: scope.Now,
	}
	tx.OnCommit(batch.Write(queries.InsertBookingCapability, params).Doing("insert booking capability"))
}
