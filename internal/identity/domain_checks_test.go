package identity

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// zone is a DNS for tests: the records of its names, and whether it answers.
type zone struct {
	records map[string]string
	broken  bool
	// asked, if not nil, runs before each answer.
	asked func()
}

func (z *zone) LookupTXT(_ context.Context, name string) ([]string, error) {
	if z.asked != nil {
		z.asked()
	}
	if z.broken {
		return nil, errors.New("the server does not answer")
	}
	if value, ok := z.records[name]; ok {
		return []string{"something else", value}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func TestDomains_Check(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dns := &zone{records: map[string]string{}}
	domains := NewDomains(b.store, dns, []string{"localhost"})
	_, owner := b.as(t, "", "owner@demo.example", tenancy.RoleOwner)
	b.tenant(t, "other", "enterprise")
	stranger := b.user(t, b.request(t, "other", "", ""), "owner@other.example", tenancy.RoleOwner)
	at := func() *tenancy.Scope { scope := *owner; scope.Now = b.now; return &scope }
	claim := func(scope *tenancy.Scope, name string) Domain {
		domain, err := domains.Create(t.Context(), scope, name)
		require.NoError(t, err)
		dns.records[domain.RecordName+"."] = domain.RecordValue
		return domain
	}
	stays, goes := claim(at(), "book.salon.example"), claim(at(), "salon.example")
	for _, domain := range []Domain{stays, goes} {
		_, err := domains.Verify(t.Context(), at(), domain.ID)
		require.NoError(t, err)
	}
	_, err := domains.MakePrimary(t.Context(), at(), goes.ID)
	require.NoError(t, err)
	check := func(want DomainsChecked) {
		t.Helper()
		checked, err := domains.Check(t.Context(), b.now)
		require.NoError(t, err)
		require.Equal(t, want, checked)
	}
	get := func(id Domain) Domain {
		t.Helper()
		domain, err := domains.Get(t.Context(), at(), id.ID)
		require.NoError(t, err)
		return domain
	}

	check(DomainsChecked{}) // they have just been looked at
	b.now = b.now.Add(DomainCheckEvery)
	check(DomainsChecked{Found: 2})
	check(DomainsChecked{}) // once a day

	// The DNS that does not answer is no sign of anything, however long.
	dns.broken = true
	for range 20 {
		b.now = b.now.Add(DomainCheckEvery)
		check(DomainsChecked{Unanswered: 2})
	}
	dns.broken = false
	delete(dns.records, goes.RecordName+".")
	b.now = b.now.Add(DomainCheckEvery)
	check(DomainsChecked{Found: 1, Missing: 1})
	since := b.now
	require.Equal(t, since, *get(goes).MissingSince)
	require.Nil(t, get(stays).MissingSince)

	// What comes back in time begins anew.
	dns.records[goes.RecordName+"."] = goes.RecordValue
	b.now = b.now.Add(DomainMissingFor - time.Hour)
	check(DomainsChecked{Found: 2})
	require.Nil(t, get(goes).MissingSince)
	delete(dns.records, goes.RecordName+".")
	b.now = b.now.Add(DomainCheckEvery)
	check(DomainsChecked{Found: 1, Missing: 1})
	b.now = b.now.Add(DomainMissingFor - time.Hour)
	check(DomainsChecked{Found: 1, Missing: 1})
	require.NotNil(t, get(goes).VerifiedAt)
	require.Equal(t, b.demo.ID, b.request(t, "salon.example", "", "").Tenant.ID)
	b.now = b.now.Add(DomainCheckEvery)
	check(DomainsChecked{Found: 1, Missing: 1, Suspended: 1})

	suspended := get(goes)
	require.Nil(t, suspended.VerifiedAt)
	require.Equal(t, b.now, *suspended.SuspendedAt)
	require.False(t, suspended.IsPrimary)
	require.Equal(t, 1, b.count(t, "SELECT count(*) FROM domains WHERE tenant_id = $1 AND is_primary AND kind = 'SUBDOMAIN'", b.demo.ID))
	require.Equal(t, 1, b.count(t, "SELECT count(*) FROM audit_entries WHERE action = 'domain.suspended' AND target_id = $1 AND tenant_id = $2",
		goes.ID.String(), b.demo.ID))
	_, err = b.resolver.Resolve(t.Context(), tenancy.Request{Now: b.now, Host: tenancy.Host{Domain: "salon.example"}})
	requireCode(t, apperr.UnknownHost, err)

	// Somebody else who proves the name has it now; else the business can have it back.
	other := b.request(t, "other", "", "")
	other.Principal = &tenancy.Principal{UserID: stranger.ID, Role: tenancy.RoleOwner, TenantID: &other.Tenant.ID}
	theirs, err := domains.Create(t.Context(), other, "salon.example")
	require.NoError(t, err)
	dns.records[goes.RecordName+"."] = goes.RecordValue
	back, err := domains.Verify(t.Context(), at(), goes.ID)
	require.NoError(t, err)
	require.Nil(t, back.SuspendedAt)
	require.Nil(t, back.MissingSince)
	require.NotNil(t, back.VerifiedAt)
	dns.records[goes.RecordName+"."] = theirs.RecordValue
	_, err = domains.Verify(t.Context(), other, theirs.ID)
	requireCode(t, apperr.AlreadyExists, err)
}

// Runs at once suspend a domain once.
func TestDomains_Check_AtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dns := &zone{records: map[string]string{}}
	domains := NewDomains(b.store, dns, []string{"localhost"})
	_, owner := b.as(t, "", "owner@demo.example", tenancy.RoleOwner)
	domain, err := domains.Create(t.Context(), owner, "salon.example")
	require.NoError(t, err)
	b.exec(t, "UPDATE domains SET verified_at = $2, missing_since = $2 WHERE id = $1", domain.ID, b.now.Add(-2*DomainMissingFor))
	var group, listed sync.WaitGroup // the DNS answers when all have listed the domain
	listed.Add(8)
	dns.asked = func() {
		listed.Done()
		listed.Wait()
	}
	suspended := make(chan int, 8)
	for range 8 {
		group.Go(func() {
			checked, err := domains.Check(t.Context(), b.now)
			if err == nil {
				suspended <- checked.Suspended
			}
		})
	}
	group.Wait()
	close(suspended)
	sum := 0
	for n := range suspended {
		sum += n
	}
	require.Equal(t, 1, sum)
	require.Equal(t, 1, b.count(t, "SELECT count(*) FROM audit_entries WHERE action = 'domain.suspended'"))
}

// While one run waits for the DNS, another can suspend the domain and its business verify it again.
func TestDomains_Check_VerifiedMeanwhile(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dns := &zone{records: map[string]string{}}
	domains := NewDomains(b.store, dns, []string{"localhost"})
	_, owner := b.as(t, "", "owner@demo.example", tenancy.RoleOwner)
	domain, err := domains.Create(t.Context(), owner, "salon.example")
	require.NoError(t, err)
	b.exec(t, "UPDATE domains SET verified_at = $2, missing_since = $2 WHERE id = $1", domain.ID, b.now.Add(-2*DomainMissingFor))
	dns.asked = func() {
		dns.asked = nil
		other, err := domains.Check(t.Context(), b.now)
		require.NoError(t, err)
		require.Equal(t, DomainsChecked{Missing: 1, Suspended: 1}, other)
		dns.records[domain.RecordName+"."] = domain.RecordValue
		later := *owner
		later.Now = b.now.Add(time.Millisecond)
		_, err = domains.Verify(t.Context(), &later, domain.ID)
		require.NoError(t, err)
		delete(dns.records, domain.RecordName+".")
	}
	checked, err := domains.Check(t.Context(), b.now)
	require.NoError(t, err)
	require.Equal(t, DomainsChecked{Missing: 1}, checked)
	after, err := domains.Get(t.Context(), owner, domain.ID)
	require.NoError(t, err)
	require.NotNil(t, after.VerifiedAt)
	require.Nil(t, after.MissingSince)
	require.Nil(t, after.SuspendedAt)
}
