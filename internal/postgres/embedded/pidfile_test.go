package embedded

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParsePIDFile(t *testing.T) {
	t.Parallel()
	const head = "4711\n/data/cluster\n1790000000\n5432\n/data/socket\n\n  123456    7\n"
	for name, c := range map[string]struct {
		text string
		want pidFile
	}{
		"ready":         {head + "ready   \n", pidFile{PID: 4711, Status: "ready"}},
		"starting":      {head + "starting\n", pidFile{PID: 4711, Status: "starting"}},
		"no newline":    {head + "stopping", pidFile{PID: 4711, Status: "stopping"}},
		"written half":  {"4711\n/data/cluster\n", pidFile{PID: 4711}},
		"only pid":      {"4711", pidFile{PID: 4711}},
		"single user":   {"-4711\n/data/cluster\n", pidFile{PID: 4711}},
		"empty":         {"", pidFile{}},
		"zero":          {"0\n", pidFile{}},
		"not a number":  {"ready\n", pidFile{}},
		"blank lines":   {"\n\n\n\n\n\n\nready\n", pidFile{}},
		"windows lines": {"4711\r\na\r\n1\r\n1\r\nb\r\n\r\nc\r\nready\r\n", pidFile{PID: 4711, Status: "ready"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, parsePIDFile(c.text))
		})
	}
}

func TestReadPIDFileOfNoServer(t *testing.T) {
	t.Parallel()
	got, err := readPIDFile(t.TempDir())
	require.NoError(t, err)
	require.Zero(t, got)
}
