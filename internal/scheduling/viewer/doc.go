// Package viewer owns who sees which objects of scheduling.
//
// It calls nothing. Invariant: it fails closed. What a role may do at all has been checked by the
// gates; services ask the Viewer what it may see.
package viewer
