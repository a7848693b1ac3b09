// Command smoothschedule is the whole product in one binary: the server, its
// development mode, and the tools to operate it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"text/tabwriter"
	"time"

	_ "time/tzdata" // time zones must not depend on the machine

	"github.com/smoothschedule/smoothschedule/gen/openapi"
	"github.com/smoothschedule/smoothschedule/internal/app"
	"github.com/smoothschedule/smoothschedule/internal/gate"
)

type command struct {
	name, arguments, help string
	run                   func(ctx context.Context, args []string, out io.Writer) error
}

func commands() []command {
	return []command{
		{"dev", "[--reset]", "everything for a developer: database, demo businesses, server", runDev},
		{"serve", "", "the server, in production", runServe},
		{"migrate", "up|down|status", "apply, take back or show the database's migrations", runMigrate},
		{"sandbox", "create", "make the sandbox of businesses that have none", runSandbox},
		{"tzdata", "check|apply", "find, or move, appointments whose instant differs since time zones have new rules", runTzdata},
		{"usage", "reconcile", "compare the counters of quotas with what they count, and repair them", runUsage},
		{"gates", "", "print what every operation demands of its caller", runGates},
		{"openapi", "[--third-party]", "print the contract, or what API tokens can call of it", runOpenAPI},
		{"config", "", "print the environment variables", runConfig},
		{"healthcheck", "", "exit with 0 if the server on this machine is ready", runHealthcheck},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "smoothschedule:", err)
		stop()
		os.Exit(1)
	}
}

var errUsage = errors.New("unknown command")

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		return usage(out)
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return c.run(ctx, args[1:], out)
		}
	}
	return fmt.Errorf("%w %q; `smoothschedule help` lists them", errUsage, args[0])
}

func usage(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "Usage: smoothschedule <command>")
	fmt.Fprintln(w)
	for _, c := range commands() {
		fmt.Fprintf(w, "  %s %s\t%s\n", c.name, c.arguments, c.help)
	}
	return w.Flush()
}

func load() (app.Config, map[string]string, error) {
	environment := app.Environment()
	c, err := app.LoadConfig(environment)
	return c, environment, err
}

func runDev(ctx context.Context, args []string, out io.Writer) error {
	reset := len(args) == 1 && args[0] == "--reset"
	if len(args) > 0 && !reset {
		return errors.New("usage: smoothschedule dev [--reset]")
	}
	c, environment, err := load()
	if err != nil {
		return err
	}
	return app.Dev(ctx, c, environment, reset, out)
}

func runServe(ctx context.Context, _ []string, _ io.Writer) error {
	c, _, err := load()
	if err != nil {
		return err
	}
	return app.Serve(ctx, c)
}

func runMigrate(ctx context.Context, args []string, out io.Writer) error {
	if len(args) != 1 {
		return errors.New("usage: smoothschedule migrate up|down|status")
	}
	c, _, err := load()
	if err != nil {
		return err
	}
	return app.Migrate(ctx, c, args[0], out)
}

func runSandbox(ctx context.Context, args []string, out io.Writer) error {
	if len(args) != 1 || args[0] != "create" {
		return errors.New("usage: smoothschedule sandbox create")
	}
	c, _, err := load()
	if err != nil {
		return err
	}
	return app.CreateSandboxes(ctx, c, out)
}

func runTzdata(ctx context.Context, args []string, out io.Writer) error {
	if len(args) != 1 || args[0] != "check" && args[0] != "apply" {
		return errors.New("usage: smoothschedule tzdata check|apply")
	}
	c, _, err := load()
	if err != nil {
		return err
	}
	return app.Tzdata(ctx, c, args[0] == "apply", out)
}

func runUsage(ctx context.Context, args []string, out io.Writer) error {
	if len(args) != 1 || args[0] != "reconcile" {
		return errors.New("usage: smoothschedule usage reconcile")
	}
	c, _, err := load()
	if err != nil {
		return err
	}
	return app.ReconcileUsage(ctx, c, out)
}

func runGates(_ context.Context, _ []string, out io.Writer) error {
	contract, gates, err := app.LoadContract()
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, gate.Table(contract, gates))
	return err
}

func runOpenAPI(_ context.Context, args []string, out io.Writer) error {
	if len(args) == 1 && args[0] == "--third-party" {
		_, err := out.Write(openapi.ThirdParty)
		return err
	}
	if len(args) > 0 {
		return errors.New("usage: smoothschedule openapi [--third-party]")
	}
	contract, _, err := app.LoadContract()
	if err != nil {
		return err
	}
	_, err = out.Write(contract.JSON)
	return err
}

func runConfig(_ context.Context, _ []string, out io.Writer) error {
	for _, v := range app.Variables() {
		fmt.Fprintln(out, v.Name)
		if v.Default != "" {
			fmt.Fprintln(out, "    default:", v.Default)
		}
		fmt.Fprintln(out, "   ", v.Description)
	}
	return nil
}

func runHealthcheck(ctx context.Context, _ []string, _ io.Writer) error {
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
