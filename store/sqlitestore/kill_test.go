package sqlitestore_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/reports"
	"github.com/tandem-cc/tandem/store/sqlitestore"
)

// victimFile names the variable that makes this test binary the process to be killed: it holds the database's path.
const victimFile = "TANDEM_SQLITESTORE_VICTIM"

func TestMain(m *testing.M) {
	if path := os.Getenv(victimFile); path != "" {
		if err := victim(context.Background(), path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// victim writes calls to the journal from several goroutines, and prints "<seq> <leg>" for each record that is acknowledged, until it is killed.
func victim(ctx context.Context, path string) error {
	s, err := sqlitestore.Open(ctx, sqlitestore.Config{Path: path})
	if err != nil {
		return err
	}
	if err := s.Migrate(ctx); err != nil {
		return err
	}
	if _, err := reports.Recover(ctx, reports.RecoverConfig{Store: s.Journal(), Archive: s.Archive(), Node: "victim", Now: time.Now()}); err != nil {
		return err
	}
	j, err := reports.New(reports.Config{Store: s.Journal(), Node: "victim"})
	if err != nil {
		return err
	}
	keeper, err := reports.NewArchivist(reports.ArchivistConfig{Journal: j, Archive: s.Archive(), Every: 5 * time.Millisecond})
	if err != nil {
		return err
	}
	errs := make(chan error, 16)
	go func() { errs <- j.Run(ctx) }()
	go func() { errs <- keeper.Run(ctx) }()
	var out sync.Mutex
	ids := tandem.RandomIDs()
	for range 8 {
		go func() {
			for {
				id := ids()
				call := tandem.Call{ID: tandem.CallID(id), Direction: tandem.Inbound, Customer: tandem.LegID(id)}
				rs := []tandem.Record{
					{At: time.Now(), Event: tandem.CallStarted{Call: call}},
					{At: time.Now(), Event: tandem.CallQueued{Call: call.ID, Queue: "sales", Position: 1}},
				}
				if err := j.Handle(ctx, rs...); err != nil {
					errs <- err
					return
				}
				out.Lock()
				fmt.Println(rs[1].Seq, id)
				out.Unlock()
			}
		}()
	}
	return <-errs
}

// killed starts a victim on the file, kills it -9 after so many acknowledgements, and returns them by their number.
func killed(t *testing.T, path string, after int) map[uint64]string {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), victimFile+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	acked := make(map[uint64]string)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		seq, id, ok := strings.Cut(lines.Text(), " ")
		n, err := strconv.ParseUint(seq, 10, 64)
		if !ok || err != nil || len(id) != 26 {
			continue // the line that the kill cut off
		}
		acked[n] = id
		if len(acked) == after {
			require.NoError(t, cmd.Process.Kill()) // SIGKILL; what it had printed before is still read
		}
	}
	require.Error(t, cmd.Wait(), "it was killed")
	require.GreaterOrEqual(t, len(acked), after)
	return acked
}

func TestJournal_SurvivesKill9InTheMiddleOfAppends(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tandem.db")
	acked := make(map[uint64]string)
	for _, after := range []int{1, 50, 333, 777} {
		for seq, id := range killed(t, path, after) {
			_, twice := acked[seq]
			require.False(t, twice, "record %d was acknowledged in two lives", seq)
			acked[seq] = id
		}
	}
	s := openFile(t, path)
	f := reports.NewFolder()
	var last tandem.Record
	inJournal := make(map[uint64]string)
	for {
		rs, err := s.Journal().Read(t.Context(), f.Seq()+1, 1000)
		require.NoError(t, err, "every record can be read")
		if len(rs) == 0 {
			break
		}
		for _, r := range rs {
			require.Equal(t, f.Seq()+1, r.Seq, "no gap")
			if e, ok := r.Event.(tandem.CallQueued); ok {
				inJournal[r.Seq] = string(e.Call)
			}
			f.Apply(r)
			last = r
		}
	}
	for seq, id := range acked {
		require.Equal(t, id, inJournal[seq], "what was acknowledged as record %d is there", seq)
	}
	open := len(f.Calls())
	require.NotZero(t, open, "the last life left calls open")

	found, err := reports.Recover(t.Context(), reports.RecoverConfig{Store: s.Journal(), Archive: s.Archive(), Node: "n", Now: time.Now()})
	require.NoError(t, err)
	calls := 0
	for _, r := range found.Records {
		if e, ok := r.Event.(tandem.CallEnded); ok {
			calls++
			assert.Equal(t, tandem.CauseInterrupted, e.Cause)
			assert.Equal(t, last.At, r.At, "ended at the last sign of life")
		}
	}
	assert.Equal(t, calls, found.Calls)
	assert.GreaterOrEqual(t, open, calls)
	again, err := reports.Recover(t.Context(), reports.RecoverConfig{Store: s.Journal(), Archive: s.Archive(), Node: "n", Now: time.Now()})
	require.NoError(t, err)
	assert.Zero(t, again.Calls, "nobody is stuck")
	t.Logf("4 lives, %d acknowledged calls, %d records, %d calls closed at the end", len(acked), last.Seq, calls)
}

func TestOpen_KeepsTheFileToItsOwner(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "odd name?mode=ro&x=#1.db")
	require.NoError(t, os.WriteFile(path, nil, 0o644)) //nolint:gosec // it is meant to be too open
	s := openFile(t, path)
	require.NoError(t, s.Journal().Append(t.Context(), []tandem.Record{{At: time.Now(), Event: tandem.NodeAlive{Node: "n"}}}))
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(name)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), name)
	}
}

func TestOpen_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := sqlitestore.Open(t.Context(), sqlitestore.Config{})
	require.ErrorIs(t, err, tandem.ErrInvalid)
	_, err = sqlitestore.Open(t.Context(), sqlitestore.Config{Path: filepath.Join(t.TempDir(), "none", "tandem.db")})
	require.ErrorIs(t, err, os.ErrNotExist)
	junk := filepath.Join(t.TempDir(), "junk.db")
	require.NoError(t, os.WriteFile(junk, []byte(strings.Repeat("this is no database. ", 500)), 0o600))
	_, err = sqlitestore.Open(t.Context(), sqlitestore.Config{Path: junk})
	require.ErrorContains(t, err, "not a database")
}
