package tenancy

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
)

func TestResolveMode(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	tests := map[string]struct {
		sources ModeSources
		want    bool
		code    apperr.Code
	}{
		"nothing said is live":                        {sources: ModeSources{SandboxEnabled: true}},
		"header":                                      {sources: ModeSources{Header: "true", SandboxEnabled: true}, want: true},
		"header in another spelling":                  {sources: ModeSources{Header: " True ", SandboxEnabled: true}, want: true},
		"session":                                     {sources: ModeSources{SessionSandbox: true, SandboxEnabled: true}, want: true},
		"header over session":                         {sources: ModeSources{Header: "false", SessionSandbox: true, SandboxEnabled: true}},
		"a sandbox user stays":                        {sources: ModeSources{Header: "false", UserSandbox: true, SandboxEnabled: true}, want: true},
		"test token":                                  {sources: ModeSources{TokenSandbox: &yes, SandboxEnabled: true}, want: true},
		"live token":                                  {sources: ModeSources{TokenSandbox: &no, SandboxEnabled: true}},
		"live token over session":                     {sources: ModeSources{TokenSandbox: &no, SessionSandbox: true, SandboxEnabled: true}},
		"token and header agree":                      {sources: ModeSources{TokenSandbox: &yes, Header: "true", SandboxEnabled: true}, want: true},
		"live token, header says sandbox":             {sources: ModeSources{TokenSandbox: &no, Header: "true", SandboxEnabled: true}, code: apperr.ModeContradiction},
		"test token, header says live":                {sources: ModeSources{TokenSandbox: &yes, Header: "false", SandboxEnabled: true}, code: apperr.ModeContradiction},
		"header while sandbox is off":                 {sources: ModeSources{Header: "true"}, code: apperr.SandboxDisabled},
		"test token while sandbox is off":             {sources: ModeSources{TokenSandbox: &yes}, code: apperr.SandboxDisabled},
		"sandbox user while sandbox is off":           {sources: ModeSources{UserSandbox: true}, code: apperr.SandboxDisabled},
		"session falls back while the sandbox is off": {sources: ModeSources{SessionSandbox: true}},
		"a header that means nothing":                 {sources: ModeSources{Header: "maybe", SandboxEnabled: true}, code: apperr.InvalidRequest},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ResolveMode(tt.sources)
			if tt.code.Name != "" {
				require.ErrorIs(t, err, apperr.New(tt.code, ""))
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

// Whatever is sent: never the sandbox while it is off, never live for a user of
// the sandbox or a test token, never the sandbox for a live token.
func FuzzResolveMode(f *testing.F) {
	for _, header := range []string{"", "true", "false", "1", "TRUE", "\x00", "true,false"} {
		for bits := range uint8(32) {
			f.Add(header, bits)
		}
	}
	f.Fuzz(func(t *testing.T, header string, bits uint8) {
		s := ModeSources{
			Header: header, UserSandbox: bits&1 != 0, SessionSandbox: bits&2 != 0, SandboxEnabled: bits&4 != 0,
		}
		if token := bits&16 != 0; bits&8 != 0 {
			s.TokenSandbox = &token
		}
		sandbox, err := ResolveMode(s)
		if err != nil {
			var known *apperr.Error
			if !errors.As(err, &known) || sandbox {
				t.Fatalf("%+v: %v, sandbox %v", s, err, sandbox)
			}
			return
		}
		switch {
		case sandbox && !s.SandboxEnabled:
			t.Fatalf("%+v: sandbox although it is off", s)
		case s.TokenSandbox != nil && sandbox != *s.TokenSandbox:
			t.Fatalf("%+v: %v against the token", s, sandbox)
		case s.TokenSandbox == nil && s.UserSandbox && !sandbox:
			t.Fatalf("%+v: a sandbox user got out", s)
		}
	})
}
