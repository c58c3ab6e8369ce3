package crm

import (
	"net/url"
	"strings"

	"github.com/tandem-cc/tandem"
)

// Pop is what a ringing call offers to fill a screen-pop URL with.
type Pop struct {
	Query

	Agent   tandem.AgentID
	Contact Contact
}

// ScreenPop makes the address of the page that opens in front of an agent when a call rings. It may be used concurrently.
type ScreenPop struct {
	template *urlTemplate
}

// NewScreenPop checks a URL template. It begins with http:// or https:// and a literal host; in its path and query may stand {number},
// {call}, {queue}, {did}, {campaign}, {lead}, {agent}, {contact.id}, {contact.name} and {contact.X} for the contact's field X. A value that
// is not known becomes the empty text. Errors are a tandem.ConfigError with Where "screen_pop".
func NewScreenPop(template string) (*ScreenPop, error) {
	t, err := parseTemplate("screen_pop", template, append(queryNames(), "agent", contactPrefix))
	if err != nil {
		return nil, err
	}
	return &ScreenPop{template: t}, nil
}

// URL returns the address for one ringing call, its values escaped.
func (s *ScreenPop) URL(p Pop) string {
	return s.template.fill(func(name string) string {
		field, isContact := strings.CutPrefix(name, contactPrefix)
		switch {
		case name == "agent":
			return string(p.Agent)
		case !isContact:
			return p.value(name)
		case field == "id":
			return p.Contact.ID
		case field == "name":
			return p.Contact.Name
		}
		return p.Contact.Fields[field]
	})
}

func queryNames() []string { return []string{"number", "call", "queue", "did", "campaign", "lead"} }

// value returns the query's part that queryNames calls name.
func (q Query) value(name string) string {
	switch name {
	case "number":
		return string(q.Number)
	case "call":
		return string(q.Call)
	case "queue":
		return string(q.Queue)
	case "did":
		return string(q.DID)
	case "campaign":
		return string(q.Campaign)
	case "lead":
		return string(q.Lead)
	}
	return ""
}

// safeLink returns link if it is an absolute http or https URL, else the empty text: it will be shown as a link to an agent.
func safeLink(link string) string {
	u, err := url.Parse(link)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return ""
	}
	return u.String()
}
