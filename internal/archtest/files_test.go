package archtest_test

import (
	"bytes"
	"go/parser"
	"go/token"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/internal/testenv"
)

// shortestComment is the least that can say what a package is for.
const shortestComment = 60

// documented returns what is wrong with the package comment in the text of a doc.go.
func documented(name string, source []byte) string {
	file, err := parser.ParseFile(token.NewFileSet(), "doc.go", source, parser.PackageClauseOnly|parser.ParseComments)
	if err != nil {
		return err.Error()
	}
	text := file.Doc.Text()
	if len(text) < shortestComment {
		return "the package comment does not say what the package is for"
	}
	if name != "main" && !strings.HasPrefix(text, "Package "+name+" ") {
		return "the package comment does not begin with Package " + name
	}
	return ""
}

func TestPackages_SayWhatTheyAreFor(t *testing.T) {
	t.Parallel()
	for _, p := range list(t) {
		if _, ours := relative(p.ImportPath); !ours {
			continue
		}
		source, err := os.ReadFile(filepath.Join(p.Dir, "doc.go"))
		if err != nil {
			t.Errorf("%s has no doc.go", p.ImportPath)
			continue
		}
		if fault := documented(p.Name, source); fault != "" {
			t.Errorf("%s/doc.go: %s", p.ImportPath, fault)
		}
	}
}

func TestExamples_AreRunByTheirTests(t *testing.T) {
	t.Parallel()
	for _, p := range list(t) {
		name, ours := relative(p.ImportPath)
		if ours && matches("examples/...", name) && len(p.TestGoFiles)+len(p.XTestGoFiles) == 0 {
			t.Errorf("%s has no test that runs it: what is not run does not work for long", name)
		}
	}
}

func TestDocumented_SeesAMissingComment(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("words ", shortestComment/5)
	require.Empty(t, documented("acd", []byte("// Package acd is "+long+"\npackage acd\n")))
	require.Empty(t, documented("main", []byte("// Tandem is "+long+"\npackage main\n")))
	require.NotEmpty(t, documented("acd", []byte("// Package acd.\npackage acd\n")))
	require.NotEmpty(t, documented("acd", []byte("// A package of "+long+"\npackage acd\n")))
	require.NotEmpty(t, documented("acd", []byte("// Package acd is "+long+"\n\npackage acd\n")), "a detached comment is none")
}

// committed returns the paths of all files in git's index, relative to the module's root.
func committed(t *testing.T) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", "ls-files", "-z")
	cmd.Dir = testenv.ModuleRoot(t)
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("this is no git checkout: %v", err)
	}
	return slices.DeleteFunc(strings.Split(string(out), "\x00"), func(name string) bool { return name == "" })
}

// machinePath finds directories that exist only where Tandem is developed. (Spelled so as not to find itself.)
var machinePath = regexp.MustCompile(`(^|[^\w.~$}@-])/(wor[k]|far[m]|roo[t])/`)

// registries are hosts of package registries and the endings of their kin: whoever builds Tandem uses their own.
func registries(t *testing.T) []string {
	t.Helper()
	hosts := []string{"registry." + "npmjs.org", "registry." + "yarnpkg.com", "proxy." + "golang.org", "deb." + "debian.org"}
	for _, command := range [][]string{
		{"go", "env", "GOPROXY"},
		{"npm", "config", "get", "registry"},
		{"apt-get", "indextargets", "--format", "$(REPO_URI)"},
	} {
		cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
		cmd.Dir = t.TempDir()
		out, err := cmd.Output()
		if err != nil {
			continue // Not every machine has each of them.
		}
		for _, address := range strings.FieldsFunc(string(out), func(r rune) bool { return strings.ContainsRune(",| \n", r) }) {
			if u, err := url.Parse(address); err == nil && strings.Contains(u.Hostname(), ".") && !strings.HasPrefix(u.Hostname(), "127.") {
				hosts = append(hosts, u.Hostname())
			}
		}
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

// foreignMatter returns what in a committed file belongs to one machine only, or to no repository at all.
func foreignMatter(name string, data []byte, hosts []string) []string {
	var faults []string
	if base := filepath.Base(name); strings.HasPrefix(base, "util") && strings.HasSuffix(base, ".go") {
		faults = append(faults, "a file is named after its noun, not after utility")
	}
	if bytes.HasPrefix(data, []byte("\x7fELF")) || bytes.HasPrefix(data, []byte("MZ")) {
		return append(faults, "a program in binary form")
	}
	if bytes.IndexByte(data, 0) >= 0 {
		return faults // A picture or a recording has no lines to look through.
	}
	if at := machinePath.Find(data); at != nil {
		faults = append(faults, "a path of one machine: "+strings.TrimSpace(string(at)))
	}
	for _, host := range hosts {
		if bytes.Contains(data, []byte(host)) {
			faults = append(faults, "the host of a package registry")
		}
	}
	return faults
}

func TestFiles_HoldNothingOfOneMachine(t *testing.T) {
	t.Parallel()
	hosts := registries(t)
	for _, name := range committed(t) {
		data, err := os.ReadFile(filepath.Join(testenv.ModuleRoot(t), name))
		if err != nil {
			continue // Deleted, and not yet so in the index.
		}
		for _, fault := range foreignMatter(name, data, hosts) {
			t.Errorf("%s: %s", name, fault)
		}
	}
}

func TestForeignMatter_IsSeen(t *testing.T) {
	t.Parallel()
	hosts := []string{"packages.example.net"}
	for name, text := range map[string]string{
		"acd/utils.go":      "package acd",
		"README.md":         "cd /wor" + "k/main",
		"test/x.sh":         "PATH=\"/far" + "m/bin\"",
		"package-lock.json": `"resolved": "https://packages.example.net/a.tgz"`,
		"tandem":            "\x7fELF\x02",
	} {
		require.Len(t, foreignMatter(name, []byte(text), hosts), 1, name)
	}
	for _, text := range []string{"example.com/wor" + "k/x", "$HOME/wor" + "k/", "~/far" + "m/", "a/wor" + "k/b", "the work/ directory"} {
		require.Empty(t, foreignMatter("README.md", []byte(text), hosts), text)
	}
}
