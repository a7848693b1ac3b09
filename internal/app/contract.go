package app

import (
	"github.com/smoothschedule/smoothschedule/gen/openapi"
	"github.com/smoothschedule/smoothschedule/internal/contract"
	"github.com/smoothschedule/smoothschedule/internal/gate"
)

// LoadContract loads the embedded contract and its gates. It fails on every
// operation without a gate and on every word of a gate that is unknown.
func LoadContract() (*contract.Contract, gate.Gates, error) {
	c, err := contract.Load(openapi.JSON)
	if err != nil {
		return nil, nil, err
	}
	gates, err := gate.Load(c)
	return c, gates, err
}
