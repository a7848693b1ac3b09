package app

import (
	"sync"

	"github.com/smoothschedule/smoothschedule/gen/openapi"
	"github.com/smoothschedule/smoothschedule/internal/contract"
	"github.com/smoothschedule/smoothschedule/internal/gate"
)

// LoadContract returns the embedded contract and its gates. The caller must not change them: all servers
// of a process share them. It returns an error for operations without a gate and for unknown words.
func LoadContract() (*contract.Contract, gate.Gates, error) {
	loaded, err := loadEmbedded()
	return loaded.contract, loaded.gates, err
}

type gatedContract struct {
	contract *contract.Contract
	gates    gate.Gates
}

// Loading the document takes longer than building the rest of a server, and tests build many servers in
// one process.
var loadEmbedded = sync.OnceValues(func() (gatedContract, error) {
	c, err := contract.Load(openapi.JSON)
	if err != nil {
		return gatedContract{}, err
	}
	gates, err := gate.Load(c)
	return gatedContract{c, gates}, err
})
