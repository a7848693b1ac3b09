package main

import (
	"bytes"
	"errors"
	"flag"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// execProgram runs the binary with an empty environment, so that it cannot change a
// database.
func execProgram(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	path, err := program()
	require.NoError(t, err)
	var out, problems bytes.Buffer
	process := exec.CommandContext(t.Context(), path, args...)
	process.Env = []string{"SMOOTHSCHEDULE_ADDR=nonsense"} // should a command run after all, it fails with 1
	process.Stdout, process.Stderr = &out, &problems
	err = process.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), out.String(), problems.String()
	}
	require.NoError(t, err)
	return 0, out.String(), problems.String()
}

func TestProgram_help(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{}, {"help"}, {"--help"}, {"-h"}} {
		code, stdout, stderr := execProgram(t, args...)
		require.Zero(t, code, args)
		require.Empty(t, stderr, args)
		for _, c := range commands() {
			require.Contains(t, stdout, "\n  "+c.name, args)
		}
	}
	for _, c := range commands() {
		forms := [][]string{{c.name, "help"}, {c.name, "--help"}, {c.name, "-h"}, {"help", c.name}, {c.name, "--help", "surplus"}}
		for _, choice := range c.choices {
			forms = append(forms, []string{c.name, choice, "--help"}, []string{c.name, "-h", choice})
		}
		for _, args := range forms {
			code, stdout, stderr := execProgram(t, args...)
			require.Zero(t, code, args)
			require.Empty(t, stderr, args)
			require.True(t, strings.HasPrefix(stdout, "Usage: smoothschedule "+c.name), "%q: %s", args, stdout)
			flags := flag.NewFlagSet("", flag.ContinueOnError)
			c.define(flags)
			flags.VisitAll(func(f *flag.Flag) { require.Contains(t, stdout, "--"+f.Name, args) })
		}
	}
}

func TestProgram_refuses_unknown_arguments(t *testing.T) {
	t.Parallel()
	refused := func(want string, args ...string) {
		code, stdout, stderr := execProgram(t, args...)
		require.Equal(t, 2, code, "%q: %s", args, stderr)
		require.Empty(t, stdout, args)
		require.Contains(t, stderr, want, args)
		require.Contains(t, stderr, "Usage: smoothschedule", args)
	}
	refused(`unknown command "fly"`, "fly")
	refused(`unknown command "fly"`, "help", "fly")
	refused(`unknown command "-x"`, "-x", "serve")
	for _, c := range commands() {
		complete := []string{c.name}
		if len(c.choices) > 0 {
			complete = append(complete, c.choices[0])
			refused("choose one of", c.name)
			refused(`unknown argument "sideways"`, c.name, "sideways")
			refused("unknown argument", c.name, c.choices[0], c.choices[0])
		}
		refused(`unknown argument "surplus"`, append(complete, "surplus")...)
		refused(`unknown argument ""`, append(complete, "")...)
		refused("-unknown", append(complete, "--unknown")...)
		refused(`unknown argument "surplus"`, append(complete, "--", "surplus")...)
		flags := flag.NewFlagSet("", flag.ContinueOnError)
		c.define(flags)
		flags.VisitAll(func(f *flag.Flag) {
			value, _ := flag.UnquoteUsage(f)
			if value == "" {
				refused(f.Name, append(complete, "--"+f.Name+"=perhaps")...)
				return
			}
			refused(f.Name, append(complete, "--"+f.Name)...)
		})
	}
}

func TestProgram_exit_code_1(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"serve"}, {"migrate", "status"}, {"healthcheck"}, {"dev", "--reset"}} {
		code, stdout, stderr := execProgram(t, args...)
		require.Equal(t, 1, code, args)
		require.Empty(t, stdout, args)
		require.Contains(t, stderr, "SMOOTHSCHEDULE_ADDR", args)
	}
}

func TestProgram_version(t *testing.T) {
	t.Parallel()
	for _, arg := range []string{"version", "--version"} {
		code, stdout, stderr := execProgram(t, arg)
		require.Zero(t, code, stderr)
		require.Regexp(t, `^smoothschedule \S+\ncommit \S+( \(with changes\))?\n`+runtime.Version()+" ", stdout)
	}
	text := versionText(&debug.BuildInfo{Main: debug.Module{Version: "v1.4.2"}, Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0123abc"}, {Key: "vcs.modified", Value: "true"},
	}})
	require.Contains(t, text, "smoothschedule v1.4.2\ncommit 0123abc (with changes)\n")
	require.Contains(t, versionText(nil), "smoothschedule (devel)\ncommit unknown\n")
}
