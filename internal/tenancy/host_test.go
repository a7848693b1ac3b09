package tenancy

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseHost(t *testing.T) {
	t.Parallel()
	bases := []string{"localhost", "lvh.me", "smoothschedule.com"}
	tests := map[string]struct {
		host Host
		ok   bool
	}{
		"demo.localhost":            {Host{Domain: "demo"}, true},
		"demo.localhost:8000":       {Host{Domain: "demo"}, true},
		"DEMO.lvh.me":               {Host{Domain: "demo"}, true},
		"demo.lvh.me.":              {Host{Domain: "demo"}, true},
		"acme-auto.lvh.me:8000":     {Host{Domain: "acme-auto"}, true},
		"platform.lvh.me:5173":      {Host{Platform: true}, true},
		"lvh.me:8000":               {Host{}, true},
		"www.smoothschedule.com":    {Host{}, true},
		"localhost":                 {Host{}, true},
		"127.0.0.1:8000":            {Host{}, true},
		"[::1]:8000":                {Host{}, true},
		"192.0.2.7":                 {Host{}, false},
		"a.b.lvh.me":                {Host{}, false},
		"book.salon.example":        {Host{Domain: "book.salon.example", Custom: true}, true},
		"example":                   {Host{Domain: "example", Custom: true}, false},
		"":                          {Host{}, false},
		"-demo.lvh.me":              {Host{}, false},
		"de mo.lvh.me":              {Host{}, false},
		"demo..lvh.me":              {Host{}, false},
		"demo.lvh.me/../../x":       {Host{}, false},
		"notlvh.me":                 {Host{Domain: "notlvh.me", Custom: true}, true},
		"platform.lvh.me.evil.test": {Host{Domain: "platform.lvh.me.evil.test", Custom: true}, true},
	}
	// RFC 1035: a label has at most 63 characters, a name 253 in this form.
	label, long := strings.Repeat("a", 63), strings.Repeat(strings.Repeat("a", 49)+".", 5)
	for name, ok := range map[string]bool{
		label + ".lvh.me": true, label + "a.lvh.me": false, long + "aaa": true, long + "aaaa": false,
	} {
		_, got := ParseHost(name, bases)
		require.Equal(t, ok, got, "%d characters", len(name))
	}
	for header, tt := range tests {
		t.Run(header, func(t *testing.T) {
			t.Parallel()
			host, ok := ParseHost(header, bases)
			require.Equal(t, tt.ok, ok)
			if ok {
				require.Equal(t, tt.host, host)
			}
		})
	}
}
