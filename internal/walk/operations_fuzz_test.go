//go:build unix

package walk

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apitoken"
	"github.com/smoothschedule/smoothschedule/internal/contract"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

const (
	// maxRequestCPU is what one request may cost of the processor, client included.
	maxRequestCPU = 2 * time.Second
	// maxAnswer is the largest answer, in bytes.
	maxAnswer = 1 << 20
	// requestDeadline is when a request counts as one that never ends, however slow the machine is.
	requestDeadline = time.Minute
	// inputsPerBusiness is how long a business is used; many requests delete what others need.
	inputsPerBusiness = 250
)

// Whoever asks whatever of any operation: the answer is none of the server's faults, is small,
// and costs little. Inputs are changes to the fixtures, made from what the contract says of each
// body and parameter, so new operations are asked too.
//
// One request at a time, and no other test beside it: the processor time is that of the process.
func FuzzOperations(f *testing.F) {
	s := apitest.New(outliving{f}) // one for all inputs
	s.DB.OwnerPool()
	operations := s.App.Contract.Operations()
	for i := range operations {
		for n := range byte(24) {
			seed := make([]byte, 200)
			if n > 0 { // the first is the fixture as it is
				_, _ = rand.NewChaCha8([32]byte{n, byte(i), byte(i >> 8)}).Read(seed)
			}
			seed[0], seed[1] = byte(i), byte(i>>8)
			f.Add(seed)
		}
	}
	var world *fuzzWorld
	platform := populatePlatform(f, s.Platform(f, tenancy.RoleSuperuser))
	f.Fuzz(func(t *testing.T, data []byte) {
		if world.worn() {
			world = newFuzzWorld(t, s, platform)
		}
		if len(data) < 2 {
			return
		}
		z := &fuzzer{choices: &choices{data: data[2:]}, world: world}
		op := operations[(int(data[0])|int(data[1])<<8)%len(operations)]
		f := fixtures[op.ID]
		z.day = pick(z.choices, "2027-03-01", "2027-05-03", "2040-12-31", "2096-12-31", "2027-03-14", "2048-12-31", "1970-01-01", "2999-12-31",
			fmt.Sprintf("%d-12-31", 2030+z.IntN(200)))
		caller := f.in(world.callers.of(s.App.Gates[op.ID]))
		if z.oneIn(3) {
			caller = world.others[z.IntN(len(world.others))]
		}
		world.ask(t, caller, op, z.path(op, f), z.body(op, f), z.header(op))
	})
}

// outliving is the f of a server that its inputs use: f itself must not be called while they run.
type outliving struct{ testing.TB }

func (outliving) Helper() {}

// fuzzWorld is a business with an object of each noun, and all kinds of callers.
type fuzzWorld struct {
	callers callers
	others  []*apitest.Client
	objects objects
	inputs  int
}

func newFuzzWorld(t *testing.T, s *apitest.Server, platform objects) *fuzzWorld {
	t.Helper()
	tenant := s.Tenant(t, "f"+uuid.NewString()[:8])
	w := &fuzzWorld{callers: callers{owner: tenant.Client(t, tenancy.RoleOwner), superuser: s.Platform(t, tenancy.RoleSuperuser)}}
	w.objects = populateAll(t, w.callers.owner)
	maps.Copy(w.objects, platform)
	w.objects["session"] = s.SessionID(t, tenant.Client(t, tenancy.RoleOwner))
	scopes := []string{}
	for _, scope := range apitoken.Scopes() {
		scopes = append(scopes, string(scope))
	}
	w.others = []*apitest.Client{
		tenant.Anonymous(), tenant.Anonymous().WithToken("ss_session_unknown"), tenant.Anonymous().WithToken("ss_live_" + strings.Repeat("a", 36)),
		w.callers.owner.APIToken(t, false, scopes...), w.callers.owner.APIToken(t, true, scopes...), w.callers.owner.Sandbox(),
	}
	for _, role := range tenancy.Roles() {
		if role.Platform() {
			w.others = append(w.others, s.Platform(t, role).WithHost(tenant.Host))
		} else {
			w.others = append(w.others, tenant.Client(t, role))
		}
	}
	return w
}

// worn reports whether it is time for another business.
func (w *fuzzWorld) worn() bool { return w == nil || w.inputs >= inputsPerBusiness }

func (w *fuzzWorld) ask(t *testing.T, c *apitest.Client, op *contract.Operation, path string, body any, header http.Header) {
	t.Helper()
	w.inputs++
	ctx, cancel := context.WithTimeout(t.Context(), requestDeadline)
	defer cancel()
	request := c.Request(t, op.Method, path, body).WithContext(ctx)
	maps.Copy(request.Header, header)
	said := fmt.Sprintf("%s: %s %s %.2000v", op.ID, op.Method, path, body)
	before := processorTime(t)
	response, err := c.Send(request)
	if ctx.Err() != nil {
		endProcess(said)
	}
	require.NoError(t, err, said)
	took := processorTime(t) - before
	require.Less(t, response.Status, 500, "%s: %s", said, response.Body)
	require.LessOrEqual(t, len(response.Body), maxAnswer, said)
	require.Less(t, took, maxRequestCPU, said)
	if response.Status == http.StatusUnauthorized && slices.Contains([]*apitest.Client{w.callers.owner, w.callers.superuser}, c) {
		w.inputs = inputsPerBusiness // signed out, by itself or by another
	}
	if response.Status == http.StatusBadRequest {
		problem := response.Object(t)
		require.NotEqual(t, "The request cannot be read.", problem["detail"], said)
		fields, _ := problem["errors"].([]any)
		require.LessOrEqual(t, len(fields), 20, said)
	}
}

// endProcess ends a test whose server is still at work and does not stop, with a trace of it.
func endProcess(said string) {
	debug.SetTraceback("all")
	go panic("a request does not end: " + said)
	select {}
}

func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// fuzzer makes requests of choices, around one day: what is far in the future is then so
// together.
type fuzzer struct {
	*choices
	world *fuzzWorld
	day   string
}

func (z *fuzzer) path(op *contract.Operation, f fixture) string {
	path, _ := f.call(op, z.world.objects)
	if f.id != "" && z.oneIn(8) {
		id := pick(z.choices, uuid.NewString(), z.world.objects["service"], "x", "%00", "%FF", strings.Repeat("9", 300))
		path = f.path(op, z.world.objects, id)
	}
	for _, parameter := range op.Spec.Parameters {
		p := parameter.Value
		if p.In != openapi3.ParameterInQuery || z.IntN(3) == 0 {
			continue
		}
		value := z.value(p.Schema.Value, 0)
		if list, ok := value.([]any); ok {
			texts := []string{}
			for _, item := range list[:min(len(list), 500)] {
				texts = append(texts, fmt.Sprint(item))
			}
			value = strings.Join(texts, ",")
		}
		path = withParameter(path, p.Name, url.QueryEscape(fmt.Sprint(value)))
		if z.oneIn(16) {
			path += "&" + p.Name + "=" + url.QueryEscape(z.text())
		}
	}
	if z.oneIn(24) {
		path = withParameter(path, url.QueryEscape(z.text()), "1")
	}
	return path
}

func (z *fuzzer) header(op *contract.Operation) http.Header {
	header := http.Header{}
	for _, parameter := range op.Spec.Parameters {
		if p := parameter.Value; p.In == openapi3.ParameterInHeader && z.oneIn(3) {
			header.Set(p.Name, pick(z.choices, `"1"`, `"2"`, "1", `W/"1"`, "*", "é", strings.Repeat("k", 400), uuid.NewString()))
		}
	}
	return header
}

// body changes the body of the fixture.
func (z *fuzzer) body(op *contract.Operation, f fixture) any {
	if !op.JSONBody() {
		return nil
	}
	body := m{}
	if f.body != nil {
		raw, _ := json.Marshal(f.body(z.world.objects))
		_ = json.Unmarshal(raw, &body)
	}
	schema := op.Spec.RequestBody.Value.Content.Get("application/json").Schema.Value
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		switch z.IntN(7) {
		case 5:
			delete(body, name)
		case 4, 6:
			body[name] = z.value(schema.Properties[name].Value, 0)
		}
	}
	if z.oneIn(12) {
		body[z.text()] = z.odd()
	}
	raw, err := json.Marshal(body)
	switch z.IntN(24) {
	case 21:
		raw = raw[:len(raw)/2]
	case 22:
		raw = append(append(raw[:len(raw)-1], `,"name":1,"name":"x"`...), raw[len(raw)-1:]...)
	case 23:
		raw, err = json.Marshal(z.odd())
	}
	if err != nil {
		return apitest.Raw(`{}`)
	}
	return apitest.Raw(raw)
}

// value is mostly one that fits the schema.
func (z *fuzzer) value(s *openapi3.Schema, depth int) any {
	if z.oneIn(12) {
		return z.odd()
	}
	for _, parts := range []openapi3.SchemaRefs{s.AllOf, s.AnyOf, s.OneOf} {
		if len(parts) > 0 {
			return z.value(parts[z.IntN(len(parts))].Value, depth)
		}
	}
	switch {
	case len(s.Enum) > 0:
		return s.Enum[z.IntN(len(s.Enum))]
	case s.Type.Is(openapi3.TypeObject):
		object := m{}
		for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
			if slices.Contains(s.Required, name) || z.IntN(2) == 0 {
				object[name] = z.value(s.Properties[name].Value, depth+1)
			}
		}
		if more := s.AdditionalProperties.Schema; more != nil {
			object[z.text()] = z.value(more.Value, depth+1)
		}
		return object
	case s.Type.Is(openapi3.TypeArray):
		list := []any{}
		for range z.length(s, depth) {
			list = append(list, z.value(s.Items.Value, depth+1))
		}
		return list
	case s.Type.Is(openapi3.TypeBoolean):
		return z.IntN(2) == 0
	case s.Type.Is(openapi3.TypeInteger), s.Type.Is(openapi3.TypeNumber):
		return z.number(s)
	}
	return z.string(s)
}

func (z *fuzzer) length(s *openapi3.Schema, depth int) int {
	most := 1000
	if s.MaxItems != nil {
		most = int(*s.MaxItems)
	}
	if depth > 1 {
		most = min(most, 3)
	}
	return min(most, pick(z.choices, 1, 2, 0, 3, most))
}

func (z *fuzzer) number(s *openapi3.Schema) any {
	least, most := 0.0, 1e6
	if s.Min != nil {
		least = *s.Min
	}
	if s.Max != nil {
		most = *s.Max
	}
	return pick(z.choices, least, most, least+1, (least+most)/2, least-1, most+1, 0.5, 2147483648.0, 9.3e18, 1e300)
}

// string is one of what is wanted here and there, mostly one that fits.
func (z *fuzzer) string(s *openapi3.Schema) any {
	texts := []string{
		z.day, z.day + "T09:00:00Z", z.day + "T23:30:00Z", z.day + "T00:00:00+14:00", z.world.objects["service"], z.world.objects["resource"],
		z.world.objects["customer"], z.world.objects["hold"], uuid.NewString(), "America/New_York", "Asia/Kathmandu", "USD", "#ffffff", "09:00",
		"fuzz@a.example", "https://example.com/x", "http://[::1]:1/", "customer.*", "FREQ=DAILY;COUNT=3", "FREQ=DAILY;INTERVAL=1000;COUNT=200",
		"FREQ=YEARLY;COUNT=1;BYMONTHDAY=1;BYYEARDAY=2;BYSETPOS=" + strings.Repeat("1,", 200) + "1", "FREQ=SECONDLY", z.text(), z.text(),
		"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "name", "a-b",
	}
	if s.Format == "date-time" && !z.oneIn(6) {
		return texts[1+z.IntN(3)]
	}
	fit := []string{}
	for _, text := range texts {
		if s.VisitJSON(text) == nil {
			fit = append(fit, text)
		}
	}
	if len(fit) == 0 || z.oneIn(6) {
		return pick(z.choices, texts...)
	}
	return fit[z.IntN(len(fit))]
}

func (z *fuzzer) text() string {
	return pick(z.choices, "x", "", " ", "\u00a0", "\u200b", "\u202ex\u202c", "é", "e\u0301", "🙂", strings.Repeat("🙂", 120), strings.Repeat("a", 2000), "\x00", "\ufffd",
		"\u0085", "' OR 1=1 --", `\`, "%", "_", "{{.}}", "../..", "<script>", "-1", "0", "null", strings.Repeat("(", 60), "２０２７-03-01", "2027-02-30T09:00:00Z", "*")
}

// odd is what nobody should send.
func (z *fuzzer) odd() any {
	switch z.IntN(10) {
	case 1:
		return -1
	case 2:
		return json.Number("1e2")
	case 3:
		return 1e300
	case 4:
		return z.text()
	case 5:
		return m{"x": []any{m{}}}
	case 6:
		return slices.Repeat([]any{m{}}, 20000)
	case 7:
		return json.RawMessage(strings.Repeat("[", 3000) + strings.Repeat("]", 3000))
	case 8:
		return true
	case 9:
		return json.Number("1.0")
	}
	return nil
}
