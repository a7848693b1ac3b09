// Command go books an appointment as a program of a third party does: it finds a time, books
// it once, hears of it by webhook, and cancels it.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

type (
	object  map[string]any
	service struct{ ID, Name string }
	// Event is what webhooks send. Data is the object after the change.
	Event struct {
		ID, Type string
		Data     struct{ ID string }
	}
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := run(ctx, Client{URL: os.Getenv("API_URL"), Token: os.Getenv("API_TOKEN")}); err != nil {
		fmt.Fprintln(os.Stderr, "failed:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, api Client) (err error) {
	if api.URL == "" || !strings.HasPrefix(api.Token, "ss_test_") {
		return errors.New("set API_URL to a server, and API_TOKEN to a token of a sandbox; dev prints both")
	}
	// An empty sandbox gets something to book; one that is in use stays as it is.
	if _, err := api.Do(ctx, "POST", "/api/v1/sandbox/sample-data", "", nil, nil); err != nil && !is(err, "already_exists") {
		return err
	}
	services, err := List[service](ctx, api, "/api/v1/services")
	if err != nil {
		return err
	}
	customers, err := List[struct{ ID string }](ctx, api, "/api/v1/customers")
	if err != nil {
		return err
	}
	if len(services) == 0 || len(customers) == 0 {
		return errors.New("there is no service, or no customer")
	}
	receiver, remove, err := subscribe(ctx, api)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	id, err := book(ctx, api, services[0], customers[0].ID)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cancelBooking(context.WithoutCancel(ctx), api, id)) }()
	return receiver.expect(ctx, id)
}

// is reports whether the API has refused with the code.
func is(err error, code string) bool {
	var problem *Problem
	return errors.As(err, &problem) && problem.Code == code
}

// book finds the first time within two weeks that nobody takes meanwhile.
func book(ctx context.Context, api Client, what service, customer string) (id string, err error) {
	var free struct {
		Data []struct {
			StartAt time.Time `json:"start_at"`
		}
	}
	query := url.Values{"service_id": {what.ID}, "limit": {"10"}}
	query.Set("from", time.Now().Format(time.DateOnly))
	query.Set("to", time.Now().AddDate(0, 0, 14).Format(time.DateOnly))
	if _, err := api.Do(ctx, "GET", "/api/v1/availability?"+query.Encode(), "", nil, &free); err != nil {
		return "", err
	}
	for _, slot := range free.Data {
		key := rand.Text() // one for each thing to be done, the same for every attempt at it
		request := object{"service_id": what.ID, "customer_id": customer, "start_at": slot.StartAt}
		var booked, again struct{ ID, Status string }
		if _, err := api.Do(ctx, "POST", "/api/v1/appointments", key, request, &booked); is(err, "slot_taken") {
			continue
		} else if err != nil {
			return "", err
		}
		fmt.Println(what.Name, "is booked for", slot.StartAt.Format(time.RFC3339)+":", booked.Status)
		// As after a broken connection: the same answer, and no second appointment.
		header, err := api.Do(ctx, "POST", "/api/v1/appointments", key, request, &again)
		if err == nil && (again != booked || header.Get("Idempotent-Replayed") != "true") {
			err = fmt.Errorf("the repeated request made %v, not %v", again, booked)
		}
		return booked.ID, err
	}
	return "", errors.New("there is no time within two weeks")
}

func cancelBooking(ctx context.Context, api Client, id string) error {
	var cancelled struct{ Status string }
	_, err := api.Do(ctx, "POST", "/api/v1/appointments/"+id+"/cancel", rand.Text(), object{"reason": "An example"}, &cancelled)
	if err == nil && cancelled.Status != "CANCELLED" {
		err = fmt.Errorf("the appointment is %s, not cancelled", cancelled.Status)
	}
	return err
}

// Receiver is where the webhook sends to. It passes on what has a good signature.
type Receiver struct {
	url     string
	webhook *standardwebhooks.Webhook
	events  chan Event
}

func (r *Receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, request.Body, 1<<20))
	var event Event
	switch {
	case err != nil:
		w.WriteHeader(http.StatusBadRequest)
	// The bytes that came, before anything parses them.
	case r.webhook.Verify(body, request.Header) != nil:
		w.WriteHeader(http.StatusUnauthorized)
	case json.Unmarshal(body, &event) != nil:
		w.WriteHeader(http.StatusBadRequest)
	default:
		r.events <- event // perhaps not for the first time: a program that does more remembers event.ID
		w.WriteHeader(http.StatusNoContent)
	}
}

// subscribe makes a webhook that comes to this machine, which dev allows.
func subscribe(ctx context.Context, api Client) (_ *Receiver, remove func() error, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	r := &Receiver{url: "http://" + listener.Addr().String() + "/", events: make(chan Event, 100)}
	var created struct{ ID, Secret string } // the secret is shown this once
	_, err = api.Do(ctx, "POST", "/api/v1/webhooks", "", object{"url": r.url, "event_types": []string{"appointment.created"}}, &created)
	if err == nil {
		r.webhook, err = standardwebhooks.NewWebhook(created.Secret)
	}
	if err != nil {
		return nil, nil, errors.Join(err, listener.Close())
	}
	go http.Serve(listener, r)
	return r, func() error {
		_, err := api.Do(context.WithoutCancel(ctx), "DELETE", "/api/v1/webhooks/"+created.ID, "", nil, nil)
		return errors.Join(err, listener.Close())
	}, nil
}

// expect waits for the event of the appointment, and makes sure that a forged one is refused.
func (r *Receiver) expect(ctx context.Context, id string) error {
	for event := (Event{}); event.Data.ID != id; {
		select {
		case event = <-r.events:
		case <-ctx.Done():
			return fmt.Errorf("no webhook has told of appointment %s", id)
		}
	}
	fmt.Println("A webhook told of it.")
	request, err := http.NewRequestWithContext(ctx, "POST", r.url, strings.NewReader(`{"type":"appointment.created"}`))
	if err != nil {
		return err
	}
	request.Header.Set("webhook-id", "forged")
	request.Header.Set("webhook-timestamp", fmt.Sprint(time.Now().Unix()))
	request.Header.Set("webhook-signature", "v1,"+strings.Repeat("A", 43)+"=")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	response.Body.Close()
	if response.StatusCode != http.StatusUnauthorized {
		return fmt.Errorf("a forged event was answered with %s", response.Status)
	}
	fmt.Println("A forged event was refused.")
	return nil
}
