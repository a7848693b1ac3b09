package app

import (
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/smoothschedule/smoothschedule/internal/identity"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// printSheet prints the start-up sheet of dev: URLs, personas and tokens.
func (a *App) printSheet(out io.Writer, addr, token string, created bool) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	base := a.config.BaseDomains[0]
	at := func(label string) string { return "http://" + label + "." + base + ":" + port }
	var b strings.Builder
	state := "existing data"
	if created {
		state = "new demo businesses"
	}
	fmt.Fprintf(&b, "\nSmoothSchedule is ready with %s.\n\n", state)
	for _, business := range demoBusinesses() {
		fmt.Fprintf(&b, "  %-34s %s (%s)\n", at(business.subdomain), business.name, business.plan)
	}
	fmt.Fprintf(&b, "  %-34s platform administration\n", at(tenancy.PlatformLabel))
	fmt.Fprintf(&b, "  %-34s API contract\n\n", "http://"+addr+"/api/openapi.json")
	var tenant, platform []string
	for _, p := range identity.KnownPersonas() {
		if p.Role.Platform() {
			platform = append(platform, p.Name)
		} else {
			tenant = append(tenant, p.Name)
		}
	}
	fmt.Fprintf(&b, "  Personas of a business: %s\n", strings.Join(tenant, ", "))
	fmt.Fprintf(&b, "  of the platform:        %s\n", strings.Join(platform, ", "))
	fmt.Fprintf(&b, "  E-mail and password:    %s, %s\n\n", identity.PersonaEmail("owner", "demo"), DemoPassword)
	fmt.Fprintf(&b, "  curl -s %s/api/auth/quick-login/ --json '{\"persona\":\"owner\"}'\n\n", at("demo"))
	if token != "" {
		fmt.Fprintf(&b, "  An API token for the sandbox of %s, which is initially empty:\n\n", demoBusinesses()[0].name)
		fmt.Fprintf(&b, "  curl -s %s/api/v1/services -H 'Authorization: Bearer %s'\n\n", at(demoBusinesses()[0].subdomain), token)
	}
	fmt.Fprintf(&b, "Press Ctrl-C to stop.\n\n")
	_, err = io.WriteString(out, b.String())
	return err
}
