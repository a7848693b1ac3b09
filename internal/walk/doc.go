// Package walk owns the tests that go through every operation of the contract with
// real requests: each gate refuses whom it must, each answer fits the contract, no
// input makes the server fail, and no tenant or mode sees another's objects.
//
// It calls internal/testkit/apitest and has no code of its own but tests. Invariant:
// an operation without a fixture here fails the build, so none is forgotten.
package walk
