package tandem

import (
	"fmt"
	"slices"
)

// enumText returns the name of value v in names, or a text that shows the stranger.
func enumText(kind string, names []string, v uint8) string {
	if int(v) < len(names) {
		return names[v]
	}
	return fmt.Sprintf("%s(%d)", kind, v)
}

// parseEnum finds text in names. The empty text is the zero value.
func parseEnum(kind string, names []string, text []byte) (uint8, error) {
	if len(text) == 0 {
		return 0, nil
	}
	i := slices.Index(names, string(text))
	if i < 0 || i > 255 {
		return 0, fmt.Errorf("tandem: %q is not a %s: %w", text, kind, ErrInvalid)
	}
	return uint8(i), nil
}
