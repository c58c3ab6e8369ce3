package web

import (
	"context"
	"io"

	"github.com/tandem-cc/tandem/reports"
)

// writeCalls writes the calls that q selects, page by page from the first one.
func writeCalls(ctx context.Context, w io.Writer, calls Calls, q reports.CallQuery, page []reports.CallRecord) error {
	out := reports.NewCSVWriter(w)
	for {
		for i := range page {
			if err := out.Write(&page[i]); err != nil {
				return err
			}
		}
		if err := out.Flush(); err != nil || len(page) < q.Limit {
			return err
		}
		q.After = page[len(page)-1].Cursor()
		var err error
		if page, err = calls.Calls(ctx, q); err != nil {
			return err
		}
	}
}
