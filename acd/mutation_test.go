package acd_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// mutation is a fault to be put into the engine.
type mutation struct {
	title, in, from, to string
	equivalent          string // why no test can see it
}

// mutations reads the list.
func mutations(t *testing.T) []mutation {
	t.Helper()
	f, err := os.Open("testdata/mutations.txt")
	require.NoError(t, err)
	defer f.Close()
	var all []mutation
	scan := bufio.NewScanner(f)
	for n, open := 1, false; scan.Scan(); n++ {
		text := strings.TrimSpace(scan.Text())
		if text == "" {
			open = false
		}
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		if !open {
			all, open = append(all, mutation{title: text}), true
			continue
		}
		m := &all[len(all)-1]
		key, value, _ := strings.Cut(text, " ")
		field := map[string]*string{"in": &m.in, "from": &m.from, "to": &m.to, "equivalent": &m.equivalent}[key]
		require.NotNil(t, field, "line %d: %q is no part of a mutation", n, key)
		require.Empty(t, *field, "line %d: %s is there twice", n, key)
		*field = strings.TrimSpace(value)
	}
	require.NoError(t, scan.Err())
	return all
}

// place finds the file and the text with the mutation in it. The text that is left out is a statement, or part of a line.
func (m mutation) place() (file, mutant string, err error) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		return "", "", err
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			return "", "", err
		}
		_, body, found := strings.Cut(string(source), "\n"+m.in)
		if !found {
			continue
		}
		end := strings.Index(body, "\n}\n")
		at := strings.Index(body[:max(end, 0)], m.from)
		if at < 0 {
			return "", "", fmt.Errorf("%s: %q does not hold %q", name, m.in, m.from)
		}
		start := len(source) - len(body) + at
		return name, string(source[:start]) + m.to + string(source[start+len(m.from):]), nil
	}
	return "", "", fmt.Errorf("there is no %q", m.in)
}

func TestMutations_AreWellFormed(t *testing.T) {
	t.Parallel()
	titles := map[string]bool{}
	for _, m := range mutations(t) {
		require.NotEmpty(t, m.in, m.title)
		require.NotEmpty(t, m.from, m.title)
		require.NotEqual(t, m.from, m.to, m.title)
		require.False(t, titles[m.title], "%q is there twice", m.title)
		titles[m.title] = true
	}
	require.GreaterOrEqual(t, len(titles), 40)
}

var failed = regexp.MustCompile(`--- FAIL: (\S+)|^panic: (.*)`)

// TestMutations puts each fault into the engine and requires that the tests catch it, unless no test can. It takes minutes, and writes MUTATIONS.md.
func TestMutations(t *testing.T) {
	if os.Getenv("TANDEM_MUTATE") == "" {
		t.Skip("takes minutes: make mutate, or TANDEM_MUTATE=1")
	}
	all := mutations(t)
	caught, out := attempt(t, "", "")
	require.Empty(t, caught, "the tests fail without a fault:\n%s", out)
	var table strings.Builder
	killed := 0
	for i, m := range all {
		file, mutant, err := m.place()
		if err != nil {
			t.Errorf("%s: %v", m.title, err)
			continue
		}
		caught, out := attempt(t, file, mutant)
		t.Logf("%d/%d %s: %s", i+1, len(all), m.title, caught)
		switch {
		case strings.Contains(out, "[build failed]") || strings.Contains(out, "[setup failed]"):
			t.Errorf("%s: does not compile:\n%s", m.title, out)
		case caught != "":
			killed++
			fmt.Fprintf(&table, "| %s | %s | %s |\n", m.title, file, caught)
		case m.equivalent != "":
			fmt.Fprintf(&table, "| %s | %s | equivalent: %s |\n", m.title, file, m.equivalent)
		default:
			t.Errorf("%s: survived", m.title)
			fmt.Fprintf(&table, "| %s | %s | **survived** |\n", m.title, file)
		}
	}
	report := fmt.Sprintf(`# Mutations of the routing engine

Written by %s: each fault of testdata/mutations.txt is put into the engine by itself, and the tests of this package run until the first one fails.
%d of %d were caught.

| fault | file | caught first by |
|---|---|---|
%s`, "`make mutate`", killed, len(all), table.String())
	require.NoError(t, os.WriteFile("MUTATIONS.md", []byte(report), 0o600))
}

// attempt runs the tests with a mutant in place of a file and returns which of them failed first; empty: none.
func attempt(t *testing.T, file, mutant string) (caught, out string) {
	t.Helper()
	args := []string{"test", "-count=1", "-failfast", "-timeout=3m"}
	if file != "" {
		dir, err := filepath.Abs(".")
		require.NoError(t, err)
		changed := filepath.Join(t.TempDir(), file)
		require.NoError(t, os.WriteFile(changed, []byte(mutant), 0o600))
		overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(dir, file): changed}})
		require.NoError(t, err)
		list := changed + ".json"
		require.NoError(t, os.WriteFile(list, overlay, 0o600))
		args = append(args, "-overlay="+list)
	}
	for _, which := range []string{"-skip=^(TestMutations|TestNightly|TestTheory)", "-run=^TestTheory"} {
		cmd := exec.CommandContext(t.Context(), "go", append(args, which, ".")...)
		cmd.Env = append(os.Environ(), "TANDEM_MUTATE=", "TANDEM_NIGHTLY=", "GOFLAGS=")
		cmd.WaitDelay = time.Minute
		text, err := cmd.CombinedOutput()
		if err == nil {
			continue
		}
		name := "time ran out"
		for line := range strings.SplitSeq(string(text), "\n") {
			if found := failed.FindStringSubmatch(strings.TrimSpace(line)); found != nil {
				if name = found[1]; name == "" {
					name = "panic"
				}
				break
			}
		}
		return name, string(text)
	}
	return "", ""
}
