package sipbridge

import (
	"context"
	"time"

	"github.com/tandem-cc/tandem/sipbridge/media"
	"github.com/tandem-cc/tandem/sipbridge/sdp"
)

// renewal is a second end of the sound for a leg whose page was loaded anew: the first page's connection died with it.
type renewal struct {
	end  *media.End
	ours sdp.Description
}

// resume offers a leg that is up to a page that does not have its sound. Until the page answers, the leg stays as it is.
func (b *Bridge) resume(ctx context.Context, br *branch) {
	b.mu.Lock()
	codecs, over := br.leg.codecs, br.dropped
	b.mu.Unlock()
	if over {
		return
	}
	end, err := b.plane.OpenWeb(ctx, media.WebConfig{Codecs: codecs, Label: string(br.leg.id)})
	if err != nil {
		b.log.WarnContext(ctx, "a leg cannot be offered again", "leg_id", br.leg.id, "error", err)
		return
	}
	ours := sdp.Offer(end.Local())
	body, err := ours.Marshal()
	if err != nil {
		b.log.ErrorContext(ctx, "a leg cannot be offered again", "leg_id", br.leg.id, "error", err)
		end.Close()
		return
	}
	b.mu.Lock()
	old := br.renewal
	if br.dropped {
		old = &renewal{end: end}
	} else {
		br.renewal = &renewal{end: end, ours: ours}
		line := br.line.(*phoneLine) //nolint:forcetypeassert // Only a browser phone resumes.
		again := *line.offer
		again.SDP = string(body)
		b.tellAgentLocked(line.agent, again)
	}
	b.mu.Unlock()
	if old != nil {
		old.end.Close()
	}
}

// resumedLocked takes the page's answer: the new end takes the place of the old one, also in the bridge.
func (b *Bridge) resumedLocked(br *branch, theirs sdp.Description) error {
	r, l, old := br.renewal, br.leg, br.end
	if err := r.end.Apply(r.ours, theirs); err != nil {
		return err
	}
	if l.peer != nil {
		b.partLocked(l, l.peer)
	}
	delete(b.ends, old)
	br.end, br.ours, br.theirs, br.renewal = r.end, r.ours, theirs, nil
	b.ends[r.end] = br
	l.secured, l.setupUntil = false, time.Now().Add(b.cfg.Timing.Setup)
	b.wireLocked(l)
	b.doLocked(l, func(context.Context) { old.Close() })
	return nil
}

// phoneResumes takes an answer to an offer that resume has made; it says whether there was one.
func (b *Bridge) phoneResumes(p *phone, br *branch, body string) bool {
	theirs, err := sdp.Parse([]byte(body))
	b.mu.Lock()
	defer b.mu.Unlock()
	if br.renewal == nil || br.dropped {
		return false
	}
	if err == nil {
		err = b.resumedLocked(br, theirs)
	}
	if err != nil {
		b.count.badSDP.Add(1)
		b.tellLocked(p, toPhone{Type: "error", Leg: br.leg.id, Message: "the answer cannot be used"})
		return true
	}
	b.tellLocked(p, toPhone{Type: "answered", Leg: br.leg.id})
	if br.leg.held {
		b.tellLocked(p, toPhone{Type: "held", Leg: br.leg.id, Held: &br.leg.held})
	}
	return true
}

// resumableLocked says whether a page may ask for a leg's sound: it was answered on a browser phone.
func resumableLocked(br *branch) bool {
	line, is := br.line.(*phoneLine)
	return is && br.leg.main == br && br.leg.state.Up() && line.offer != nil
}
