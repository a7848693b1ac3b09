package embedded

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// DataDirVariable names the environment variable that moves the program's data,
// the embedded database among it, to another directory.
const DataDirVariable = "SMOOTHSCHEDULE_DATA_DIR"

// DefaultDataDir is where the embedded database lives unless told otherwise: the
// directory "postgres" in SMOOTHSCHEDULE_DATA_DIR if that is set, else in
// /var/lib/smoothschedule for root, $XDG_DATA_HOME/smoothschedule or
// ~/.local/share/smoothschedule for everybody else. It creates nothing. It returns
// an error when none of them is known, which SMOOTHSCHEDULE_DATA_DIR cures.
func DefaultDataDir() (string, error) {
	return dataDirFor(os.Geteuid(), os.Getenv)
}

// dataDirFor keeps root out of its home directory: the server runs as another
// account there, and that account cannot enter it.
func dataDirFor(uid int, getenv func(string) string) (string, error) {
	const name = "postgres"
	if dir := getenv(DataDirVariable); dir != "" {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return "", fmt.Errorf("%s=%s: %w", DataDirVariable, dir, err)
		}
		return filepath.Join(abs, name), nil
	}
	if uid == 0 {
		return filepath.Join("/var/lib/smoothschedule", name), nil
	}
	if dir := getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "smoothschedule", name), nil
	}
	if home := getenv("HOME"); filepath.IsAbs(home) {
		return filepath.Join(home, ".local", "share", "smoothschedule", name), nil
	}
	return "", errors.New("there is no home directory to keep the database in: set " + DataDirVariable + " to a directory")
}
