package asterisk

import (
	"strings"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/asterisk/ami"
)

// askDevices asks for the state of all devices after a connection; changes are told by Asterisk from then on.
func (lp *loop) askDevices() {
	clear(lp.down)
	for _, t := range lp.sw.cfg.Trunks {
		if len(t.devices()) == 0 {
			lp.trunk(t)
		}
	}
	for device := range lp.owners {
		lp.send(ami.NewAction("Getvar").With("Variable", "DEVICE_STATE("+device+")"), action{device: device})
	}
}

// loseDevices notes that nothing can be reached without a connection.
func (lp *loop) loseDevices() {
	for _, a := range lp.sw.cfg.Agents {
		lp.phone(a.ID, "UNAVAILABLE")
	}
	for _, t := range lp.sw.cfg.Trunks {
		if lp.alive[t.ID] {
			lp.alive[t.ID] = false
			lp.emit(tandem.TrunkChanged{Trunk: t.ID, Up: false, Detail: "asterisk is not connected"})
		}
	}
}

// device takes the state of a device, as DEVICE_STATE has it.
func (lp *loop) device(name, state string) {
	o, ours := lp.owners[name]
	switch {
	case !ours:
	case o.agent != "":
		lp.phone(o.agent, state)
	default:
		// What is not watched (no qualify, no such channel driver) has states of many kinds, and may work.
		lp.down[name] = strings.EqualFold(state, "UNAVAILABLE")
		lp.trunk(lp.trunks[o.trunk])
	}
}

// isReachable says whether a telephone in that state is there, busy or not.
func isReachable(state string) bool {
	switch strings.ToUpper(state) {
	case "NOT_INUSE", "INUSE", "BUSY", "RINGING", "RINGINUSE", "ONHOLD":
		return true
	}
	return false
}

// phone tells whether an agent can be reached, when that is news.
func (lp *loop) phone(a tandem.AgentID, state string) {
	reachable := isReachable(state)
	if lp.reachable[a] != reachable {
		lp.reachable[a] = reachable
		lp.emit(tandem.DeviceChanged{Agent: a, Reachable: reachable})
	}
}

// trunk tells whether a trunk works, when that is news: it does unless all of its devices are unavailable.
func (lp *loop) trunk(t Trunk) {
	devices := t.devices()
	up := len(devices) == 0
	for _, d := range devices {
		up = up || !lp.down[d]
	}
	if lp.alive[t.ID] == up {
		return
	}
	lp.alive[t.ID] = up
	detail := "asterisk is connected"
	if !up {
		detail = strings.Join(devices, ", ") + " unavailable"
	}
	lp.emit(tandem.TrunkChanged{Trunk: t.ID, Up: up, Detail: detail})
}
