package tenancy

import (
	"net"
	"net/netip"
	"strings"
)

// Host is the parsed host name of a request.
type Host struct {
	// Domain is the name to look up in the table domains: the label before a base ("demo"), or a
	// whole custom domain ("book.salon.example"). Empty if the host names no tenant.
	Domain string
	// Platform marks the platform host, which is for users of the platform only.
	Platform bool
	// Custom marks a Domain that is a whole name.
	Custom bool
}

// PlatformLabel is the label of the platform host: platform.<base>.
const PlatformLabel = "platform"

// ParseHost reads a Host header, with or without port, against the base names of
// the installation ("smoothschedule.com", "localhost"). A base itself, "www."
// before it, and a loopback address name no tenant. ok is false for a name that
// cannot be a host of the installation.
func ParseHost(header string, bases []string) (host Host, ok bool) {
	name := strings.TrimSuffix(strings.ToLower(stripPort(header)), ".")
	if addr, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return Host{}, addr.IsLoopback()
	}
	if !validHostName(name) {
		return Host{}, false
	}
	for _, base := range bases {
		if name == base {
			return Host{}, true
		}
		label, found := strings.CutSuffix(name, "."+base)
		if !found {
			continue
		}
		switch {
		case label == PlatformLabel:
			return Host{Platform: true}, true
		case label == "www":
			return Host{}, true
		case strings.Contains(label, "."):
			return Host{}, false
		}
		return Host{Domain: label}, true
	}
	// A custom domain has a dot; without one it could be mistaken for a label.
	return Host{Domain: name, Custom: true}, strings.Contains(name, ".")
}

func stripPort(header string) string {
	if host, _, err := net.SplitHostPort(header); err == nil {
		return host
	}
	return header
}

func validHostName(name string) bool {
	if name == "" || len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return false
		}
		for _, c := range []byte(label) {
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}
