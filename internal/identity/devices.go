package identity

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/identitydb"
)

// DeviceLifetime is for how long a browser is known to its user after they signed in with it.
const DeviceLifetime = 365 * 24 * time.Hour

const (
	deviceNonce   = 16
	devicePayload = 8 + deviceNonce // when the marker was made, in Unix seconds, and the nonce
)

// newDevice returns the marker of a browser that a user has just signed in with. It is no
// credential: all that it does is to have failures with it counted apart, so that strangers who
// guess at an account do not keep its user out. It is signed with a key that is made with the user's
// password, and anew with each one, so a new password makes all browsers strangers.
func newDevice(userID uuid.UUID, deviceKey []byte, now time.Time) string {
	payload := binary.BigEndian.AppendUint64(nil, uint64(now.Unix()))
	payload = append(payload, randomBytes(deviceNonce)...)
	return base64.RawURLEncoding.EncodeToString(append(payload, signDevice(userID, deviceKey, payload)...))
}

// makeDevice is newDevice with the key of the user's password as the transaction sees it.
func makeDevice(ctx context.Context, tx identitydb.DBTX, userID uuid.UUID, now time.Time) (string, error) {
	key, err := queries.GetDeviceKey(ctx, tx, userID)
	if err != nil {
		return "", fmt.Errorf("get device key: %w", err)
	}
	return newDevice(userID, key, now), nil
}

// knownDevice returns the throttle of a browser that the user has signed in with, and whether
// the marker is one. It takes as long for users who do not exist, with the decoy's key.
func knownDevice(marker string, userID uuid.UUID, deviceKey []byte, now time.Time) (throttle, bool) {
	raw, err := base64.RawURLEncoding.DecodeString(marker)
	if err != nil || len(raw) != devicePayload+sha256.Size {
		raw = make([]byte, devicePayload+sha256.Size)
	}
	payload, signature := raw[:devicePayload], raw[devicePayload:]
	signed := hmac.Equal(signature, signDevice(userID, deviceKey, payload))
	made := time.Unix(int64(binary.BigEndian.Uint64(payload)), 0)
	if !signed || now.Sub(made) >= DeviceLifetime {
		return throttle{}, false
	}
	return deviceThrottle(payload), true
}

func signDevice(userID uuid.UUID, deviceKey []byte, payload []byte) []byte {
	mac := hmac.New(sha256.New, deviceKey)
	mac.Write(userID[:])
	mac.Write(payload)
	return mac.Sum(nil)
}

// deviceThrottle counts guesses with one marker.
func deviceThrottle(payload []byte) throttle {
	sum := sha256.Sum256(payload)
	return throttle{key: "device:" + hex.EncodeToString(sum[:])[:32], threshold: accountThreshold, block: accountBlock}
}

// sessionThrottle counts guesses at the current password by whoever has a session.
func sessionThrottle(sessionID uuid.UUID) throttle {
	return throttle{key: "session:" + sessionID.String(), threshold: accountThreshold, block: accountBlock}
}
