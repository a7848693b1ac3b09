// Package architecture has the test of who may import whom. It has no code of its own.
package architecture
