package developer

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/developerdb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/audit"
	"github.com/smoothschedule/smoothschedule/internal/secretbox"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

const (
	secretPrefix = "whsec_"
	secretSize   = 32
	// rotationOverlap is for how long the secret before signs too (Standard Webhooks).
	rotationOverlap = 24 * time.Hour
)

// newSecret makes a secret of Standard Webhooks and the form in which it is kept.
func (s *Webhooks) newSecret(scope *tenancy.Scope, id uuid.UUID) (secret string, sealed []byte, err error) {
	key := make([]byte, secretSize)
	_, _ = rand.Read(key) // which never fails
	sealed, err = s.box.Seal(key, secretPurpose(scope.Env.ID, id))
	if errors.Is(err, secretbox.ErrNoKey) {
		return "", nil, apperr.New(apperr.ServiceUnavailable, "This server has no key for the secrets of webhooks yet.").WithCause(err)
	}
	if err != nil {
		return "", nil, fmt.Errorf("seal the secret of a webhook: %w", err)
	}
	return secretPrefix + base64.StdEncoding.EncodeToString(key), sealed, nil
}

// secretPurpose ties a secret to its endpoint: in another row it cannot be opened.
func secretPurpose(envID, endpointID uuid.UUID) string {
	return "webhook " + envID.String() + " " + endpointID.String()
}

// RotateSecret gives an endpoint a new secret and returns it, which nobody can read again. The
// one before signs too for 24 hours; one before that no longer. Errors: NotFound;
// ScopeRequired and TokenNotAccepted for a token that may not read what the endpoint gets.
func (s *Webhooks) RotateSecret(ctx context.Context, scope *tenancy.Scope, id uuid.UUID) (*Webhook, string, error) {
	secret, sealed, err := s.newSecret(scope, id)
	if err != nil {
		return nil, "", err
	}
	var rotated Webhook
	err = s.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		current, err := s.lock(ctx, tx, scope, id, nil)
		if err != nil {
			return err
		}
		// The secret signs what is sent: it is for those who may read that.
		if err := s.checkSent(scope, current); err != nil {
			return err
		}
		rotated = current
		expires := scope.Now.Add(rotationOverlap)
		rotated.PreviousSecretExpiresAt, rotated.Version, rotated.UpdatedAt = &expires, current.Version+1, scope.Now
		err = s.queries.RotateWebhookSecret(ctx, tx, developerdb.RotateWebhookSecretParams{
			EnvID: scope.Env.ID, ID: id, ExpiresAt: expires, Secret: sealed, Version: rotated.Version, Now: scope.Now,
		})
		if err != nil {
			return fmt.Errorf("rotate the secret of a webhook: %w", err)
		}
		tx.Emit("webhook.updated", rotated)
		return audit.Record(ctx, tx, scope, audit.Entry{
			Action: "webhook.secret_rotated", Outcome: audit.Success, TargetType: "webhook", TargetID: id.String(),
		})
	})
	if err != nil {
		return nil, "", err
	}
	return &rotated, secret, nil
}

// sign returns the value of webhook-signature: a signature with every key, over id, time and
// body (Standard Webhooks).
func sign(keys [][]byte, id uuid.UUID, at time.Time, body []byte) string {
	signed := append([]byte(id.String()+"."+strconv.FormatInt(at.Unix(), 10)+"."), body...)
	var value []byte
	for _, key := range keys {
		mac := hmac.New(sha256.New, key)
		mac.Write(signed)
		if len(value) > 0 {
			value = append(value, ' ')
		}
		value = base64.StdEncoding.AppendEncode(append(value, "v1,"...), mac.Sum(nil))
	}
	return string(value)
}
