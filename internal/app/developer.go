package app

import (
	"fmt"
	"time"

	"github.com/smoothschedule/smoothschedule/internal/communication"
	"github.com/smoothschedule/smoothschedule/internal/events"
	"github.com/smoothschedule/smoothschedule/internal/events/feed"
	"github.com/smoothschedule/smoothschedule/internal/jobs"
	"github.com/smoothschedule/smoothschedule/internal/outbound"
	platformapi "github.com/smoothschedule/smoothschedule/internal/platform/api"
	"github.com/smoothschedule/smoothschedule/internal/platform/developer"
	"github.com/smoothschedule/smoothschedule/internal/secretbox"
	"github.com/smoothschedule/smoothschedule/internal/store"
)

// deliveryPollInterval is the maximum delay of a delivery in the queue.
const deliveryPollInterval = 250 * time.Millisecond

// newDeveloper builds the developer module, with the consumer and the jobs that deliver webhooks.
// rights decide who may read which events. Errors: invalid secret keys.
func newDeveloper(
	d Dependencies, store *store.Store, hub *events.Hub, rights developer.EventRights, tokens *developer.Tokens, samples developer.SampleMaker,
) (module, error) {
	box, err := secretbox.New(d.Config.SecretKeys...)
	if err != nil {
		return module{}, fmt.Errorf("%sSECRET_KEYS: %w", Prefix, err)
	}
	client := outbound.New(outbound.Options{AllowLoopback: d.Config.WebhookAllowLoopback, Timeout: d.Config.WebhookTimeout})
	webhooks := developer.NewWebhooks(store, box, client, rights)
	deliverer := developer.NewDeliverer(webhooks, client, communication.NewNotifications(), d.Config.WebhookTimeout, d.Now, d.Log)
	server := platformapi.NewDeveloper(platformapi.DeveloperServices{
		Tokens:   tokens,
		Events:   developer.NewEvents(store, hub, rights),
		Webhooks: webhooks,
		Clocks:   developer.NewSandboxClocks(store),
		Outbox:   developer.NewOutbox(store, rights),
		Samples:  developer.NewSamples(store, samples),
	})
	return module{
		Module: server.Module(),
		jobs: func(workers *jobs.Workers) {
			workers.Queue(developer.DeliveryQueue, developer.DeliveryWorkers, deliveryPollInterval)
			jobs.HandleLazily(workers, deliverer.FanOut)
			jobs.HandleLazily(workers, deliverer.Deliver)
			jobs.HandleGlobal(workers, deliverer.SweepDeliveries)
			workers.Every(d.Config.WebhookTimeout, developer.SweepDeliveriesArgs{})
		},
		consumers: []feed.Consumer{webhooks.Consumer()},
	}, nil
}
