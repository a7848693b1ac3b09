// Command smoothschedule is the complete product in one binary: the server, the development mode, and
// the commands for operators.
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
		{name: "dev", help: "start a development server with database and demo businesses", define: defineDev},
		{name: "serve", help: "start the server for production", define: plain(runServe)},
		{name: "migrate", choices: []string{"up", "down", "status"}, help: "apply the migrations, revert the last one, or show their status", define: plain(runMigrate)},
		{
			name: "superuser", choices: []string{"create"}, help: "create a platform superuser; prompts for the password",
			define: defineSuperuser,
		},
		{name: "sandbox", choices: []string{"create"}, help: "create missing sandboxes of businesses", define: plain(runSandbox)},
		{
			name: "tzdata", choices: []string{"check", "apply"},
			help:   "find or move upcoming appointments affected by changed time zone rules",
			define: plain(runTzdata),
		},
		{name: "usage", choices: []string{"reconcile"}, help: "compare quota counters with the data and repair them", define: plain(runUsage)},
		{name: "feed", choices: []string{"parked", "retry"}, help: "list events that a feed consumer could not handle, or handle them again", define: defineFeed},
		{name: "gates", help: "print the gates of all operations: access, roles, scopes, features", define: plain(runGates)},
		{name: "openapi", help: "print the API contract", define: defineOpenAPI},
		{name: "config", help: "print the environment variables", define: plain(runConfig)},
		{name: "healthcheck", help: "exit with 0 if the local server is ready", define: plain(runHealthcheck)},
		{name: "version", help: "print the version, commit and Go version", define: plain(runVersion)},
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
	reset := flags.Bool("reset", false, "delete the development database first")
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
	thirdParty := flags.Bool("third-party", false, "only the operations that accept API tokens")
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
