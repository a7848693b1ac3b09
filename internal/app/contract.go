package app

import (
	"sync"

	"github.com/smoothschedule/smoothschedule/gen/openapi"
	"github.com/smoothschedule/smoothschedule/internal/contract"
	"github.com/smoothschedule/smoothschedule/internal/gate"
)

// LoadContract returns the embedded contract and its gates, which nobody may change: all
// servers of a process have the same. It fails on every operation without a gate and on
// every word of a gate that is unknown.
func LoadContract() (*contract.Contract, gate.Gates, error) {
	loaded, err := loadEmbedded()
	return loaded.contract, loaded.gates, err
}

type gatedContract struct {
	contract *contract.Contract
	gates    gate.Gates
}

// Reading the document takes longer than building all the rest of a server, and a process
// can have many: tests do.
var loadEmbedded = sync.OnceValues(func() (gatedContract, error) {
	c, err := contract.Load(openapi.JSON)
	if err != nil {
		return gatedContract{}, err
	}
	gates, err := gate.Load(c)
	return gatedContract{c, gates}, err
})
