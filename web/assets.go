package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

//go:embed static
var static embed.FS

// asset is a static file, ready to be sent.
type asset struct {
	kind   string // Content-Type
	tag    string // ETag: the hash of the content
	plain  []byte
	packed []byte // gzip; nil where it saves nothing
}

// assets are the static files by their path below static/.
type assets map[string]*asset

// loadAssets reads, hashes and packs every static file once.
func loadAssets() (assets, error) {
	as := make(assets)
	err := fs.WalkDir(static, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := static.ReadFile(name)
		if err != nil {
			return err
		}
		a, err := newAsset(path.Ext(name), text)
		if err != nil {
			return err
		}
		as[strings.TrimPrefix(name, "static/")] = a
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("web: assets: %w", err)
	}
	return as, nil
}

func newAsset(ext string, text []byte) (*asset, error) {
	sum := sha256.Sum256(text)
	kind := mime.TypeByExtension(ext)
	switch ext { // the system's table may say otherwise, and a module with the wrong type does not run
	case ".js":
		kind = "text/javascript; charset=utf-8"
	case ".css":
		kind = "text/css; charset=utf-8"
	case ".svg":
		kind = "image/svg+xml"
	}
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(text); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	a := &asset{kind: kind, tag: `W/"` + hex.EncodeToString(sum[:12]) + `"`, plain: text}
	if packed.Len() < len(text)*9/10 {
		a.packed = packed.Bytes()
	}
	return a, nil
}

// ServeHTTP sends the file. Browsers keep it and ask each time whether it is still the same, so that a new version of the
// program never runs with old modules.
func (a *asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Cache-Control", "no-cache")
	h.Add("Vary", "Accept-Encoding")
	body := a.plain
	if a.packed != nil && acceptsGzip(r) {
		h.Set("Content-Encoding", "gzip")
		body = a.packed
	}
	h.Set("ETag", a.tag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

func acceptsGzip(r *http.Request) bool {
	return slices.ContainsFunc(strings.Split(r.Header.Get("Accept-Encoding"), ","), func(s string) bool {
		name, q, _ := strings.Cut(strings.TrimSpace(s), ";")
		return name == "gzip" && strings.ReplaceAll(q, " ", "") != "q=0"
	})
}
