package asterisk

import (
	"strings"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/asterisk/ami"
)

// census is the list of Asterisk's channels that is asked for after each connection, to find our legs again.
type census struct {
	id       string // the ActionID
	channels []ami.Message
}

// connected asks for everything that was not heard while there was no connection.
func (lp *loop) connected() {
	if lp.phase == connecting {
		lp.phase = serving
	}
	lp.askDevices()
	lp.send(ami.NewAction("ShowDialPlan").With("Context", lp.sw.cfg.Context).With("Extension", lp.sw.cfg.Exten), action{})
	id, err := lp.sw.client.Send(ami.NewAction("CoreShowChannels"))
	if err != nil {
		lp.sw.cfg.Logger.Warn("cannot ask asterisk for its channels", "error", err)
		return
	}
	lp.actions[id] = action{name: "CoreShowChannels"}
	lp.census = &census{id: id}
}

// lost notes that nothing is heard from now on. Legs wait for the next census.
func (lp *loop) lost() {
	lp.losses++
	lp.actions = map[string]action{}
	lp.census = nil
	lp.loseDevices()
	for _, l := range lp.legs {
		l.suspect = true
	}
	loss := lp.losses
	lp.sw.later(lp.sw.cfg.Grace, func(lp *loop) {
		if lp.up || lp.losses != loss {
			return
		}
		for _, l := range lp.legs {
			lp.ghosts[l.uid] = true
			lp.end(l, tandem.CauseNetwork, "asterisk is not connected")
		}
	})
}

// count gathers the census, and draws its conclusions at its end.
func (lp *loop) count(m ami.Message) {
	c := lp.census
	switch {
	case c == nil || m.ActionID() != c.id:
	case m.Event() == "CoreShowChannel":
		c.channels = append(c.channels, m)
	default:
		lp.census = nil
		delete(lp.actions, c.id)
		lp.settle(c.channels)
	}
}

// settle compares our legs with the channels that Asterisk has.
func (lp *loop) settle(channels []ami.Message) {
	there := make(map[string]ami.Message, len(channels))
	for _, m := range channels {
		there[m.Get("Uniqueid")] = m
	}
	for _, l := range lp.legs {
		if _, found := there[l.uid]; l.suspect && !found {
			lp.end(l, tandem.CauseNetwork, "gone while asterisk was not connected")
		}
	}
	for uid, m := range there {
		switch l := lp.byUID[uid]; {
		case l != nil && l.suspect:
			lp.found(l, m, there)
		case l == nil:
			lp.stray(uid, m)
		}
	}
	clear(lp.ghosts)
}

// found takes up a leg again after a lost connection.
func (lp *loop) found(l *leg, m ami.Message, there map[string]ami.Message) {
	l.suspect, l.hungUp, l.keying, l.channel = false, false, false, m.Get("Channel")
	lp.newState(l, m.Get("ChannelState"))
	if j := l.joint; j != nil {
		peer, bridge := there[j.other(l).uid], m.Get("BridgeId")
		if bridge != "" && bridge == peer.Get("BridgeId") {
			lp.entered(l)
			lp.drive(l)
			return
		}
		lp.leave(l)
		lp.unwant(l)
	}
	l.agi, l.running, l.playing = false, run{}, tandem.Sound{}
	if l.state == tandem.LegStateIn || l.state == tandem.LegStateUp {
		lp.redirect(l) // Whether it still waits, and what it was told, cannot be known.
	}
	lp.drive(l)
}

// stray deals with a channel that is nobody's leg: one that ended for us and lives on, one that an earlier run of ours dialled, or a
// caller who came while there was no connection.
func (lp *loop) stray(uid string, m ami.Message) {
	channel := m.Get("Channel")
	switch {
	case lp.ghosts[uid], strings.HasPrefix(uid, ownPrefix):
		lp.refuse(channel, tandem.CauseNormal)
	case lp.incoming[m.Get("Context")] && m.Get("Application") == "AGI" && strings.HasPrefix(m.Get("ApplicationData"), "agi:async"):
		lp.send(ami.NewAction("Redirect").With("Channel", channel).With("Context", m.Get("Context")).
			With("Exten", m.Get("Exten")).With("Priority", m.Get("Priority")), action{})
	}
}
