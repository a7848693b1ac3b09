package embedded

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Lines of postmaster.pid (miscadmin.h, LOCK_FILE_LINE_*), counted from zero.
const (
	pidLine    = 0
	statusLine = 7
)

// pidFile is what a running server says about itself in postmaster.pid.
type pidFile struct {
	PID    int
	Status string // "starting", "stopping", "ready", "standby"; empty very early
}

// readPIDFile returns the zero value when there is no file or no usable pid in it.
func readPIDFile(clusterDir string) (pidFile, error) {
	text, err := os.ReadFile(pidFilePath(clusterDir))
	if errors.Is(err, fs.ErrNotExist) {
		return pidFile{}, nil
	}
	if err != nil {
		return pidFile{}, err
	}
	return parsePIDFile(string(text)), nil
}

func pidFilePath(clusterDir string) string {
	return filepath.Join(clusterDir, "postmaster.pid")
}

func parsePIDFile(text string) pidFile {
	lines := strings.Split(text, "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(lines[pidLine]))
	if err != nil || pid == 0 {
		return pidFile{}
	}
	if pid < 0 { // a single-user backend writes its pid negated
		pid = -pid
	}
	p := pidFile{PID: pid}
	if len(lines) > statusLine {
		p.Status = strings.TrimSpace(lines[statusLine])
	}
	return p
}
