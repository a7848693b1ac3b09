//go:build snippets

package developer_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"
)

// examples has the compiler for TypeScript.
const examples = "../../../examples/typescript/node_modules"

// sample is what a snippet is asked about.
type sample struct {
	Name    string            `json:"name"`
	Secret  string            `json:"secret"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
	// Now is in seconds.
	Now  int64 `json:"now"`
	good bool
}

// What the guide shows tells good deliveries from bad ones, in every language, as the
// library of Standard Webhooks does.
func TestSnippetsOfTheGuideVerify(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../../docs/api/webhooks.md")
	require.NoError(t, err)
	samples := samples(t)
	asked, err := json.Marshal(samples)
	require.NoError(t, err)
	for language, run := range map[string]func(t *testing.T, dir, snippet string) *exec.Cmd{
		"go": goSnippet, "ts": typeScriptSnippet, "python": pythonSnippet,
	} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			command := run(t, t.TempDir(), snippet(t, string(guide), language))
			var said, complained bytes.Buffer
			command.Stdin, command.Stdout, command.Stderr = bytes.NewReader(asked), &said, &complained
			require.NoError(t, command.Run(), "%s%s", said.String(), complained.String())
			var verdicts []bool
			require.NoError(t, json.Unmarshal(said.Bytes(), &verdicts), said.String())
			require.Len(t, verdicts, len(samples))
			for i, verdict := range verdicts {
				require.Equal(t, samples[i].good, verdict, samples[i].Name)
			}
		})
	}
}

// snippet returns the block of the language; there must be exactly one.
func snippet(t *testing.T, guide, language string) string {
	t.Helper()
	blocks := regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(guide, -1)
	require.Len(t, blocks, 1, language)
	return blocks[0][1]
}

func samples(t *testing.T) []sample {
	t.Helper()
	const present, former = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
	now := time.Now()
	sign := func(secret, id string, at time.Time, body string) string {
		webhook, err := standardwebhooks.NewWebhook(secret)
		require.NoError(t, err)
		signature, err := webhook.Sign(id, at, []byte(body))
		require.NoError(t, err)
		return signature
	}
	made := func(name string, good bool, change func(d *sample)) sample {
		body := `{"type":"appointment.created","data":{"notes":"Zoë, 10 €"}}`
		d := sample{Name: name, Secret: present, Body: body, Now: now.Unix(), good: good, Headers: map[string]string{
			"webhook-id": "msg_1", "webhook-timestamp": fmt.Sprint(now.Unix()), "webhook-signature": sign(present, "msg_1", now, body),
		}}
		change(&d)
		return d
	}
	at := func(then time.Time) func(d *sample) {
		return func(d *sample) {
			d.Headers["webhook-timestamp"] = fmt.Sprint(then.Unix())
			d.Headers["webhook-signature"] = sign(present, "msg_1", then, d.Body)
		}
	}
	set := func(name, value string) func(d *sample) { return func(d *sample) { d.Headers[name] = value } }
	without := func(name string) func(d *sample) { return func(d *sample) { delete(d.Headers, name) } }
	byFormer := func(d *sample) string { return sign(former, "msg_1", now, d.Body) }
	all := []sample{
		made("good", true, func(*sample) {}),
		made("four minutes old", true, at(now.Add(-4*time.Minute))),
		made("six minutes old", false, at(now.Add(-6*time.Minute))),
		made("six minutes ahead", false, at(now.Add(6*time.Minute))),
		made("tampered body", false, func(d *sample) { d.Body = strings.Replace(d.Body, "10", "99", 1) }),
		made("tampered id", false, set("webhook-id", "msg_2")),
		made("tampered timestamp", false, set("webhook-timestamp", fmt.Sprint(now.Unix()-1))),
		made("no timestamp", false, set("webhook-timestamp", "yesterday")),
		made("another secret", false, func(d *sample) { d.Headers["webhook-signature"] = byFormer(d) }),
		made("after a rotation", true, func(d *sample) { d.Headers["webhook-signature"] += " " + byFormer(d) }),
		made("after a rotation, in the other order", true, func(d *sample) {
			d.Headers["webhook-signature"] = byFormer(d) + " " + d.Headers["webhook-signature"]
		}),
		made("after a rotation, with the former secret", true, func(d *sample) {
			d.Headers["webhook-signature"] += " " + byFormer(d)
			d.Secret = former
		}),
		made("another version", false, func(d *sample) {
			d.Headers["webhook-signature"] = strings.Replace(d.Headers["webhook-signature"], "v1,", "v2,", 1)
		}),
		made("cut signature", false, func(d *sample) { d.Headers["webhook-signature"] = d.Headers["webhook-signature"][:20] }),
		made("empty signature", false, set("webhook-signature", "")),
		made("without id", false, without("webhook-id")),
		made("without timestamp", false, without("webhook-timestamp")),
		made("without signature", false, without("webhook-signature")),
	}
	for _, d := range all {
		webhook, err := standardwebhooks.NewWebhook(d.Secret)
		require.NoError(t, err)
		header := http.Header{}
		for name, value := range d.Headers {
			header.Set(name, value)
		}
		err = webhook.Verify([]byte(d.Body), header)
		require.Equal(t, d.good, err == nil, "%s, to the library: %v", d.Name, err)
	}
	return all
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
}

func goSnippet(t *testing.T, dir, snippet string) *exec.Cmd {
	t.Helper()
	write(t, dir, "go.mod", "module snippet\n\ngo 1.24\n")
	write(t, dir, "main.go", `package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

func main() {
	var deliveries []struct {
		Secret, Body string
		Headers      map[string]string
		Now          int64
	}
	if err := json.NewDecoder(os.Stdin).Decode(&deliveries); err != nil {
		panic(err)
	}
	verdicts := []bool{}
	for _, d := range deliveries {
		header := http.Header{}
		for name, value := range d.Headers {
			header.Set(name, value)
		}
		verdicts = append(verdicts, verify(d.Secret, header, []byte(d.Body), time.Unix(d.Now, 0)) == nil)
	}
	json.NewEncoder(os.Stdout).Encode(verdicts)
}

`+snippet)
	command := exec.CommandContext(t.Context(), "go", "run", ".")
	command.Dir = dir
	return command
}

func typeScriptSnippet(t *testing.T, dir, snippet string) *exec.Cmd {
	t.Helper()
	modules, err := filepath.Abs(examples)
	require.NoError(t, err)
	require.DirExists(t, modules, "run it with `task docs:snippets`, which installs the compiler")
	write(t, dir, "package.json", `{"type":"module"}`)
	write(t, dir, "verify.ts", snippet)
	write(t, dir, "main.ts", `import { text } from 'node:stream/consumers';
import { verify } from './verify.js';

type Delivery = { secret: string; headers: Record<string, string>; body: string; now: number };
const deliveries: Delivery[] = JSON.parse(await text(process.stdin));
console.log(JSON.stringify(deliveries.map((d) => verify(d.secret, d.headers, d.body, new Date(d.now * 1000)))));
`)
	compiler := exec.CommandContext(t.Context(), "node", filepath.Join(modules, "typescript/bin/tsc"), "--strict", "--skipLibCheck",
		"--target", "es2023", "--module", "nodenext", "--typeRoots", filepath.Join(modules, "@types"), "--types", "node", "main.ts")
	compiler.Dir = dir
	out, err := compiler.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return exec.CommandContext(t.Context(), "node", filepath.Join(dir, "main.js"))
}

func pythonSnippet(t *testing.T, dir, snippet string) *exec.Cmd {
	t.Helper()
	write(t, dir, "verify.py", snippet)
	write(t, dir, "main.py", `import json, sys
from verify import verify

print(json.dumps([verify(d["secret"], d["headers"], d["body"].encode(), d["now"]) for d in json.load(sys.stdin)]))
`)
	python, err := exec.LookPath("python3")
	require.NoError(t, err, "Python 3 is missing")
	return exec.CommandContext(t.Context(), python, filepath.Join(dir, "main.py"))
}
