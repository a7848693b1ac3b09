// Package tzdata owns the answer to one question: which release of the IANA time zone
// database does this process reckon with? It calls nobody.
//
// Go looks for a zone in the same places, in the same order, each time it loads one; this
// package looks where Go would, and says what it finds there. Invariant: a version that
// cannot be known is not guessed.
package tzdata

import (
	"bufio"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
)

// The places where zones come from.
const (
	// FromVariable is the directory or archive that the variable ZONEINFO names.
	FromVariable = "zoneinfo"
	// FromSystem are the files of the operating system.
	FromSystem = "system"
	// Embedded is the copy in the binary, for machines that have none of the others.
	Embedded = "embedded"
)

// Release is a release of the time zone database.
type Release struct {
	// Version is the name of the release, such as "2025b"; empty if the files do not say.
	Version string
	// Source is the place where the zones come from.
	Source string
}

// String is the version, or "unknown".
func (r Release) String() string {
	if r.Version == "" {
		return "unknown"
	}
	return r.Version
}

const (
	// embeddedVersion is that of package time/tzdata in the toolchain embeddedIn. The
	// package does not say it; a test compares both with the toolchain that runs it.
	embeddedVersion = "2025c"
	embeddedIn      = "go1.26.8"
)

// directories are those of package time, on all systems that are not Windows.
var directories = []string{"/usr/share/zoneinfo", "/usr/share/lib/zoneinfo", "/usr/lib/locale/TZ", "/etc/zoneinfo"}

// probe is a zone that every release has.
const probe = "America/New_York"

// Current returns the release that this process reckons with. Zones that have been
// loaded stay as they are, so it does not change while the process runs.
var Current = sync.OnceValue(func() Release {
	return find(os.Getenv("ZONEINFO"), directories, runtime.Version())
})

func find(variable string, directories []string, toolchain string) Release {
	if variable != "" && (has(variable) || strings.HasSuffix(variable, ".zip")) {
		return Release{Version: versionIn(variable), Source: FromVariable}
	}
	for _, directory := range directories {
		if has(directory) {
			return Release{Version: versionIn(directory), Source: FromSystem}
		}
	}
	if toolchain == embeddedIn {
		return Release{Version: embeddedVersion, Source: Embedded}
	}
	return Release{Source: Embedded}
}

func has(directory string) bool {
	file, err := os.Stat(filepath.Join(directory, filepath.FromSlash(probe)))
	return err == nil && file.Mode().IsRegular()
}

var release = regexp.MustCompile(`\b\d{4}[a-z]{1,2}\b`)

// versionIn reads the version from the files in which systems state it, or returns "".
func versionIn(directory string) string {
	for _, name := range []string{"tzdata.zi", "+VERSION", "version"} {
		file, err := os.Open(filepath.Join(directory, name))
		if err != nil {
			continue
		}
		lines := bufio.NewScanner(file)
		lines.Scan()
		version := release.FindString(lines.Text())
		_ = file.Close()
		if version != "" {
			return version
		}
	}
	return ""
}
