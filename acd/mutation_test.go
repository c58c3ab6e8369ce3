package acd_test

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
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

// spot is a place in a source file where mutations can be.
type spot struct {
	file       string
	start, end int
	statement  bool
}

// find returns where the text is that a mutation changes: in its function or, should that have been renamed, in the one place of the package where it is.
func (m mutation) find(sources map[string]string) (spot, error) {
	var found []spot
	for name, source := range sources {
		if at := strings.Index(source, "\n"+m.in); at >= 0 {
			end := at + strings.Index(source[at:], "\n}\n")
			if start := strings.Index(source[at:end], m.from); start >= 0 {
				return m.spot(name, source, at+start), nil
			}
		}
		if start := strings.Index(source, m.from); start >= 0 {
			found = append(found, m.spot(name, source, start))
			if strings.Contains(source[start+1:], m.from) {
				found = append(found, found[0])
			}
		}
	}
	if len(found) != 1 {
		return spot{}, fmt.Errorf("%q does not hold %q, nor does just one other place", m.in, m.from)
	}
	return found[0], nil
}

func (m mutation) spot(file, source string, start int) spot {
	line := source[strings.LastIndex(source[:start], "\n")+1:]
	line, _, _ = strings.Cut(line, "\n")
	code, _, _ := strings.Cut(line, " // ")
	return spot{file, start, start + len(m.from), strings.TrimSpace(code) == m.from}
}

// mutable returns the text that does as the source does, or as the mutation does when it is chosen.
func (m mutation) mutable(n int, statement bool) string {
	if statement {
		return fmt.Sprintf("if mutant == %d { %s } else { %s }", n, m.to, m.from)
	}
	return fmt.Sprintf("mutated(%d, %s, %s)", n, m.from, m.to)
}

// chooser is what a package with mutations in it has besides.
const chooser = `package acd

import (
	"os"
	"strconv"
)

var mutant, _ = strconv.Atoi(os.Getenv("TANDEM_MUTANT"))

func mutated[T any](n int, is, becomes T) T {
	if n == mutant {
		return becomes
	}
	return is
}
`

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
	binaries, files := mutants(t, all)
	for _, b := range slices.Compact(slices.Sorted(slices.Values(binaries))) {
		caught, out := attempt(t, b, 0)
		require.Empty(t, caught, "the tests fail without a fault:\n%s", out)
	}
	var table strings.Builder
	killed := 0
	for i, m := range all {
		verdict := "**survived**"
		caught, _ := attempt(t, binaries[i], i+1)
		switch {
		case caught != "":
			killed++
			verdict = caught
		case m.equivalent != "":
			verdict = "equivalent: " + m.equivalent
		default:
			t.Errorf("%s: survived", m.title)
		}
		t.Logf("%d/%d %s: %s", i+1, len(all), m.title, verdict)
		fmt.Fprintf(&table, "| %s | %s | %s |\n", m.title, files[i], verdict)
	}
	report := fmt.Sprintf(`# Mutations of the routing engine

Written by %s: each fault of testdata/mutations.txt is put into the engine by itself, and the tests of this package run until the first one fails.
%d of %d were caught.

| fault | file | caught first by |
|---|---|---|
%s`, "`make mutate`", killed, len(all), table.String())
	require.NoError(t, os.WriteFile("MUTATIONS.md", []byte(report), 0o600))
}

// mutants compiles the tests with all mutations in them, of which the environment chooses one: as few binaries as keep mutations apart whose places overlap.
// It returns for each mutation its binary and its file.
func mutants(t *testing.T, all []mutation) (binaries, files []string) {
	t.Helper()
	sources := map[string]string{}
	names, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, name := range names {
		if !strings.HasSuffix(name, "_test.go") {
			text, err := os.ReadFile(name)
			require.NoError(t, err)
			sources[name] = string(text)
		}
	}
	spots := make([]spot, len(all))
	binaries, files = make([]string, len(all)), make([]string, len(all))
	for i, m := range all {
		spots[i], err = m.find(sources)
		require.NoError(t, err, m.title)
		files[i] = spots[i].file
	}
	for round := 0; slices.Contains(binaries, ""); round++ {
		var chosen []int
		for i, s := range spots {
			apart := !slices.ContainsFunc(chosen, func(k int) bool {
				return spots[k].file == s.file && spots[k].start < s.end && s.start < spots[k].end
			})
			if binaries[i] == "" && apart {
				chosen = append(chosen, i)
			}
		}
		slices.SortFunc(chosen, func(a, b int) int { return cmp.Compare(spots[b].start, spots[a].start) }) // from behind, so that places stay
		changed := map[string]string{"mutant.go": chooser}
		for _, i := range chosen {
			s := spots[i]
			source, ok := changed[s.file]
			if !ok {
				source = sources[s.file]
			}
			changed[s.file] = source[:s.start] + all[i].mutable(i+1, s.statement) + source[s.end:]
		}
		binary := compile(t, changed)
		for _, i := range chosen {
			binaries[i] = binary
		}
	}
	return binaries, files
}

// compile returns a test binary of this package with some files changed.
func compile(t *testing.T, changed map[string]string) string {
	t.Helper()
	dir, err := filepath.Abs(".")
	require.NoError(t, err)
	temp := t.TempDir()
	replace := map[string]string{}
	for name, source := range changed {
		replace[filepath.Join(dir, name)] = filepath.Join(temp, name)
		require.NoError(t, os.WriteFile(filepath.Join(temp, name), []byte(source), 0o600))
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	require.NoError(t, err)
	list, binary := filepath.Join(temp, "overlay.json"), filepath.Join(temp, "acd.test")
	require.NoError(t, os.WriteFile(list, overlay, 0o600))
	out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-vet=off", "-overlay="+list, "-o", binary, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return binary
}

// attempt runs the tests with a mutation and returns which of them failed first; empty: none.
func attempt(t *testing.T, binary string, mutant int) (caught, out string) {
	t.Helper()
	for _, which := range []string{"-test.skip=^(TestMutations|TestNightly|TestTheory)", "-test.run=^TestTheory"} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		cmd := exec.CommandContext(ctx, binary, "-test.failfast", "-test.timeout=30s", "-rapid.shrinktime=0s", "-rapid.nofailfile", which)
		cmd.Env = append(os.Environ(), "TANDEM_MUTATE=", "TANDEM_NIGHTLY=", fmt.Sprintf("TANDEM_MUTANT=%d", mutant), "GOMEMLIMIT=1GiB")
		text, err := cmd.CombinedOutput()
		cancel()
		if err == nil {
			continue
		}
		name := "time ran out"
		for line := range strings.SplitSeq(string(text), "\n") {
			if found := failed.FindStringSubmatch(strings.TrimSpace(line)); found != nil {
				if name = found[1]; name == "" {
					name = "panic: " + found[2]
				}
				break
			}
		}
		return name, string(text)
	}
	return "", ""
}
