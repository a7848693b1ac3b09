package feed

import (
	"sync"
	"time"

	"github.com/google/uuid"
)

// lane is the queue of environments of one consumer on this server. An environment is in it once,
// and is handled by one worker at a time.
type lane struct {
	Consumer
	mu      sync.Mutex
	changed *sync.Cond
	queue   []uuid.UUID
	state   map[uuid.UUID]state
	// resting are environments that are not queued before their time; true if they are queued then.
	resting map[uuid.UUID]bool
	closed  bool
}

// state is that of an environment in a lane.
type state int

const (
	queued state = iota + 1
	running
	// runningAgain is running, and to be queued afterwards.
	runningAgain
)

func newLane(c Consumer) *lane {
	l := &lane{Consumer: c, state: map[uuid.UUID]state{}, resting: map[uuid.UUID]bool{}}
	l.changed = sync.NewCond(&l.mu)
	return l
}

// add queues environments.
func (l *lane) add(envIDs ...uuid.UUID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, envID := range envIDs {
		if _, rests := l.resting[envID]; rests {
			l.resting[envID] = true
			continue
		}
		switch l.state[envID] {
		case queued, runningAgain:
		case running:
			l.state[envID] = runningAgain
		default:
			l.push(envID)
		}
	}
}

func (l *lane) push(envID uuid.UUID) {
	l.state[envID] = queued
	l.queue = append(l.queue, envID)
	l.changed.Signal()
}

// next waits for an environment; done must be called for it. It is not ok once the lane is closed.
func (l *lane) next() (envID uuid.UUID, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.queue) == 0 && !l.closed {
		l.changed.Wait()
	}
	if l.closed {
		return uuid.Nil, false
	}
	envID, l.queue = l.queue[0], l.queue[1:]
	l.state[envID] = running
	return envID, true
}

const (
	// batchPause is how long an environment rests after it has reached the end of its feed, so that events
	// in quick succession are handled together.
	batchPause = 25 * time.Millisecond
	// maxWait bounds how long an environment waits for its next attempt: another server may have made it.
	maxWait = time.Minute
)

// done ends the work on an environment. If there is more, it is queued behind the others; with a wait, only
// then.
func (l *lane) done(envID uuid.UUID, more bool, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	again := l.state[envID] == runningAgain
	delete(l.state, envID)
	switch {
	case wait > 0:
		l.rest(envID, min(wait, maxWait), true)
	case more:
		l.push(envID)
	default:
		l.rest(envID, batchPause, again)
	}
}

// rest keeps an environment out of the queue for a while, and queues it then if again is true or if it is added
// meanwhile.
func (l *lane) rest(envID uuid.UUID, d time.Duration, again bool) {
	l.resting[envID] = again
	time.AfterFunc(d, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.resting[envID] {
			l.push(envID)
		}
		delete(l.resting, envID)
	})
}

// close ends all calls of next. What is queued is left to other servers.
func (l *lane) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.changed.Broadcast()
}
