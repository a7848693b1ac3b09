package embedded

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDataDirFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		uid  int
		env  map[string]string
		want string
	}{
		"set":             {1000, map[string]string{DataDirVariable: "/srv/ss", "HOME": "/home/ann"}, "/srv/ss/postgres"},
		"set for root":    {0, map[string]string{DataDirVariable: "/srv/ss", "HOME": "/root"}, "/srv/ss/postgres"},
		"root":            {0, map[string]string{"HOME": "/root", "XDG_DATA_HOME": "/root/x"}, "/var/lib/smoothschedule/postgres"},
		"xdg":             {1000, map[string]string{"HOME": "/home/ann", "XDG_DATA_HOME": "/x"}, "/x/smoothschedule/postgres"},
		"xdg is relative": {1000, map[string]string{"HOME": "/home/ann", "XDG_DATA_HOME": "x"}, "/home/ann/.local/share/smoothschedule/postgres"},
		"home":            {1000, map[string]string{"HOME": "/home/ann"}, "/home/ann/.local/share/smoothschedule/postgres"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := dataDirFor(c.uid, func(key string) string { return c.env[key] })
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestDataDirForNobodyKnown(t *testing.T) {
	t.Parallel()
	_, err := dataDirFor(1000, func(string) string { return "" })
	require.ErrorContains(t, err, DataDirVariable)
}
