package sipcore

import "context"

// SplitMessage lets the fuzz target reach the framing of streams.
func SplitMessage(b []byte, limit int) (skip, n int, err error) { return splitMessage(b, limit) }

// RejectRaw lets the fuzz target reach the answer to what does not parse.
func RejectRaw(raw []byte) ([]byte, bool) { return rejectRaw(raw, "tag") }

// Ingest lets the fuzz target hand bytes to an endpoint.
func Ingest(e *Endpoint, ctx context.Context, f *Flow, b []byte) { e.ingest(ctx, f, b) }
