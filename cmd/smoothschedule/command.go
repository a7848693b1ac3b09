package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
)

// streams are the standard streams of a command.
type streams struct {
	in       *os.File
	out, err io.Writer
}

// action runs a command. choice is one of its choices, or empty if it has none.
type action func(ctx context.Context, s streams, choice string) error

// command is a command of the program. It accepts one of its choices and the flags that define adds;
// other arguments are an error.
type command struct {
	name string
	// choices are subcommands, of which exactly one is required.
	choices []string
	help    string
	define  func(flags *flag.FlagSet) action
}

// plain is the define of a command without flags.
func plain(run action) func(*flag.FlagSet) action {
	return func(*flag.FlagSet) action { return run }
}

// usageError is an error in the arguments, with the usage of the command.
type usageError struct{ problem, usage string }

func (e *usageError) Error() string { return e.problem }

// Exit codes of all commands, besides 0.
const (
	exitFailed = 1
	exitUsage  = 2
)

// execute runs the command named by args and returns the exit code. Help is written to s.out, errors to
// s.err.
func execute(ctx context.Context, args []string, s streams) int {
	err := run(ctx, args, s)
	if err == nil {
		return 0
	}
	fmt.Fprintln(s.err, "smoothschedule:", err)
	if invalid, ok := errors.AsType[*usageError](err); ok {
		fmt.Fprint(s.err, "\n", invalid.usage)
		return exitUsage
	}
	return exitFailed
}

func run(ctx context.Context, args []string, s streams) error {
	if len(args) == 0 {
		return printText(s.out, usage())
	}
	name, rest := args[0], args[1:]
	switch {
	case isHelp(name) && len(rest) == 0:
		return printText(s.out, usage())
	case isHelp(name): // help COMMAND
		name, rest = rest[0], append(rest[1:], "--help")
	case name == "--version":
		name = "version"
	}
	for _, c := range commands() {
		if c.name == name {
			return c.run(ctx, rest, s)
		}
	}
	return &usageError{fmt.Sprintf("unknown command %q", name), usage()}
}

func isHelp(arg string) bool {
	return arg == "help" || arg == "-h" || arg == "--help" || arg == "-help"
}

// run parses args and runs the command.
func (c command) run(ctx context.Context, args []string, s streams) error {
	flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the error contains what it would print
	act := c.define(flags)
	choice, err := c.parse(flags, args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return printText(s.out, c.usage(flags))
	case err != nil:
		return &usageError{c.name + ": " + err.Error(), c.usage(flags)}
	}
	return act(ctx, s, choice)
}

// parse parses flags and the choice, in any order. The error is flag.ErrHelp if the arguments ask for
// help.
func (c command) parse(flags *flag.FlagSet, args []string) (choice string, err error) {
	for {
		if err := flags.Parse(args); err != nil {
			return "", err
		}
		if flags.NArg() == 0 {
			break
		}
		word := flags.Arg(0)
		args = flags.Args()[1:]
		switch {
		case isHelp(word):
			return "", flag.ErrHelp
		case choice == "" && slices.Contains(c.choices, word):
			choice = word
		default:
			return "", fmt.Errorf("unknown argument %q", word)
		}
	}
	if choice == "" && len(c.choices) > 0 {
		return "", fmt.Errorf("choose one of: %s", strings.Join(c.choices, ", "))
	}
	return choice, nil
}

// synopsis returns the command with its arguments on one line.
func (c command) synopsis(flags *flag.FlagSet) string {
	parts := []string{c.name}
	if len(c.choices) > 0 {
		parts = append(parts, strings.Join(c.choices, "|"))
	}
	flags.VisitAll(func(f *flag.Flag) {
		value, _ := flag.UnquoteUsage(f)
		parts = append(parts, strings.TrimRight("[--"+f.Name+" "+value, " ")+"]")
	})
	return strings.Join(parts, " ")
}

func (c command) usage(flags *flag.FlagSet) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage: smoothschedule %s\n\n%s.\n", c.synopsis(flags), upperFirst(c.help))
	first := true
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	flags.VisitAll(func(f *flag.Flag) {
		if first {
			fmt.Fprintln(w)
			first = false
		}
		value, text := flag.UnquoteUsage(f)
		fmt.Fprintf(w, "  --%s\t%s\n", strings.TrimRight(f.Name+" "+value, " "), text)
	})
	_ = w.Flush() // a strings.Builder takes everything
	return b.String()
}

func usage() string {
	var b strings.Builder
	b.WriteString("Usage: smoothschedule <command>\n\n")
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, c := range commands() {
		flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
		c.define(flags)
		fmt.Fprintf(w, "  %s\t%s\n", c.synopsis(flags), c.help)
	}
	_ = w.Flush() // a strings.Builder takes everything
	b.WriteString("\nRun `smoothschedule help <command>` for the arguments of a command.\n")
	return b.String()
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func printText(out io.Writer, text string) error {
	_, err := io.WriteString(out, text)
	return err
}
