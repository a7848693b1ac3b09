package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/smoothschedule/smoothschedule/internal/app"
	"github.com/smoothschedule/smoothschedule/internal/identity"
)

// defineSuperuser reads the password from standard input, never from an argument: other users of the
// machine can see arguments, and shells store them.
func defineSuperuser(flags *flag.FlagSet) action {
	var in identity.SuperuserInput
	flags.StringVar(&in.Email, "email", "", "the e-mail `address` for signing in")
	flags.StringVar(&in.Name, "name", "", "the `name` of the user")
	return func(ctx context.Context, s streams, _ string) error {
		if in.Email == "" || in.Name == "" {
			return errors.New("superuser create requires --email and --name; it prompts for the password or reads it from standard input")
		}
		c, _, err := load()
		if err != nil {
			return err
		}
		if in.Password, err = readPassword(s); err != nil {
			return err
		}
		return app.CreateSuperuser(ctx, c, in, s.out)
	}
}

// readPassword prompts twice without echo if standard input is a terminal, and otherwise reads one line.
func readPassword(s streams) (string, error) {
	if !term.IsTerminal(int(s.in.Fd())) {
		return readLine(s.in)
	}
	first, err := askPassword(s.in, s.err, "Password: ")
	if err != nil {
		return "", err
	}
	second, err := askPassword(s.in, s.err, "Again: ")
	if err == nil && first != second {
		err = errors.New("the passwords do not match")
	}
	return first, err
}

func readLine(in io.Reader) (string, error) {
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password: %w", err)
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", errors.New("no password on standard input")
	}
	return line, nil
}

func askPassword(in *os.File, prompt io.Writer, text string) (string, error) {
	fmt.Fprint(prompt, text)
	password, err := term.ReadPassword(int(in.Fd()))
	fmt.Fprintln(prompt)
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return string(password), nil
}
