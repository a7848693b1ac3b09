// Command smoothschedule is the whole product in one binary: the server, its
// development mode, and the tools to operate it.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	_ "time/tzdata" // time zones must not depend on the machine

	"github.com/smoothschedule/smoothschedule/gen/openapi"
	"github.com/smoothschedule/smoothschedule/internal/app"
	"github.com/smoothschedule/smoothschedule/internal/gate"
)

func commands() []command {
	return []command{
		{name: "dev", help: "everything for a developer: database, demo businesses, server", define: defineDev},
		{name: "serve", help: "the server, in production", define: plain(runServe)},
		{name: "migrate", choices: []string{"up", "down", "status"}, help: "apply, take back or show the database's migrations", define: plain(runMigrate)},
		{
			name: "superuser", choices: []string{"create"}, help: "make a superuser of the platform, whose password it asks for",
			define: defineSuperuser,
		},
		{name: "sandbox", choices: []string{"create"}, help: "make the sandbox of businesses that have none", define: plain(runSandbox)},
		{
			name: "tzdata", choices: []string{"check", "apply"},
			help:   "find, or move, appointments whose instant differs since time zones have new rules",
			define: plain(runTzdata),
		},
		{name: "usage", choices: []string{"reconcile"}, help: "compare the counters of quotas with what they count, and repair them", define: plain(runUsage)},
		{name: "gates", help: "print what every operation demands of its caller", define: plain(runGates)},
		{name: "openapi", help: "print the contract, or what API tokens can call of it", define: defineOpenAPI},
		{name: "config", help: "print the environment variables", define: plain(runConfig)},
		{name: "healthcheck", help: "exit with 0 if the server on this machine is ready", define: plain(runHealthcheck)},
		{name: "version", help: "print version, commit, and the version of Go", define: plain(runVersion)},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := execute(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

func load() (app.Config, map[string]string, error) {
	environment := app.Environment()
	c, err := app.LoadConfig(environment)
	return c, environment, err
}

func defineDev(flags *flag.FlagSet) action {
	reset := flags.Bool("reset", false, "throw away dev's own database first")
	return func(ctx context.Context, s streams, _ string) error {
		c, environment, err := load()
		if err != nil {
			return err
		}
		return app.Dev(ctx, c, environment, *reset, s.out)
	}
}

func runServe(ctx context.Context, _ streams, _ string) error {
	c, _, err := load()
	if err != nil {
		return err
	}
	return app.Serve(ctx, c)
}

func runMigrate(ctx context.Context, s streams, direction string) error {
	c, _, err := load()
	if err != nil {
		return err
	}
	return app.Migrate(ctx, c, direction, s.out)
}

func runSandbox(ctx context.Context, s streams, _ string) error {
	c, _, err := load()
	if err != nil {
		return err
	}
	return app.CreateSandboxes(ctx, c, s.out)
}

func runTzdata(ctx context.Context, s streams, choice string) error {
	c, _, err := load()
	if err != nil {
		return err
	}
	return app.Tzdata(ctx, c, choice == "apply", s.out)
}

func runUsage(ctx context.Context, s streams, _ string) error {
	c, _, err := load()
	if err != nil {
		return err
	}
	return app.ReconcileUsage(ctx, c, s.out)
}

func runGates(_ context.Context, s streams, _ string) error {
	contract, gates, err := app.LoadContract()
	if err != nil {
		return err
	}
	return printText(s.out, gate.Table(contract, gates))
}

func defineOpenAPI(flags *flag.FlagSet) action {
	thirdParty := flags.Bool("third-party", false, "only what API tokens can call")
	return func(_ context.Context, s streams, _ string) error {
		if *thirdParty {
			_, err := s.out.Write(openapi.ThirdParty)
			return err
		}
		contract, _, err := app.LoadContract()
		if err != nil {
			return err
		}
		_, err = s.out.Write(contract.JSON)
		return err
	}
}

func runConfig(_ context.Context, s streams, _ string) error {
	for _, v := range app.Variables() {
		fmt.Fprintln(s.out, v.Name)
		if v.Default != "" {
			fmt.Fprintln(s.out, "    default:", v.Default)
		}
		fmt.Fprintln(s.out, "   ", v.Description)
	}
	return nil
}

func runHealthcheck(ctx context.Context, _ streams, _ string) error {
	c, _, err := load()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.LocalAddr()+"/readyz", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s", response.Status)
	}
	return nil
}
