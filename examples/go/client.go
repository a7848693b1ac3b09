package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Client calls the API with a token, which says which business is meant, and whether its sandbox.
type Client struct{ URL, Token string }

// Problem is how the API refuses (RFC 9457). Programs look at Code, people read Detail.
type Problem struct {
	Status    int
	Code      string
	Detail    string
	RequestID string `json:"request_id"`
	Errors    []struct{ Pointer, Detail string }
}

func (p *Problem) Error() string {
	return fmt.Sprintf("%d %s: %s %v (request %s)", p.Status, p.Code, p.Detail, p.Errors, p.RequestID)
}

// Do sends a request, again after a while if there have been too many, and reads the answer
// into answer unless that is nil. A POST with an Idempotency-Key may be repeated safely.
func (c Client) Do(ctx context.Context, method, path, key string, body, answer any) (http.Header, error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		request, err := http.NewRequestWithContext(ctx, method, c.URL+path, nil)
		if err != nil {
			return nil, err
		}
		request.Header.Set("Authorization", "Bearer "+c.Token)
		if key != "" {
			request.Header.Set("Idempotency-Key", key)
		}
		if body != nil {
			request.Header.Set("Content-Type", "application/json")
			request.Body = io.NopCloser(bytes.NewReader(encoded))
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return nil, err
		}
		if response.StatusCode != http.StatusTooManyRequests || attempt == 5 {
			return response.Header, read(response, answer)
		}
		response.Body.Close()
		seconds, _ := strconv.Atoi(response.Header.Get("Retry-After"))
		select {
		case <-time.After(time.Duration(max(seconds, 1)) * time.Second):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func read(response *http.Response, answer any) error {
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= 300 {
		problem := &Problem{}
		if json.Unmarshal(body, problem) != nil || problem.Code == "" {
			return fmt.Errorf("%s: %.200s", response.Status, body) // from something in between
		}
		return fmt.Errorf("%s %s: %w", response.Request.Method, response.Request.URL.Path, problem)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(body, answer)
}

// List reads all pages of a list.
func List[T any](ctx context.Context, c Client, path string) (all []T, err error) {
	query := url.Values{"limit": {"100"}}
	for {
		var page struct {
			Data       []T
			NextCursor string `json:"next_cursor"`
			HasMore    bool   `json:"has_more"`
		}
		if _, err := c.Do(ctx, http.MethodGet, path+"?"+query.Encode(), "", nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Data...)
		if !page.HasMore {
			return all, nil
		}
		query.Set("cursor", page.NextCursor)
	}
}
