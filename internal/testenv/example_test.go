package testenv_test

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/internal/testenv"
)

// A test says what it needs and gets it, or is skipped with the command that would install it.
func Example() {
	TestAnswer := func(t *testing.T) {
		t.Helper()
		conn, err := pgx.Connect(t.Context(), testenv.Postgres(t))
		require.NoError(t, err)
		var answer int
		require.NoError(t, conn.QueryRow(t.Context(), "SELECT 6 * 7").Scan(&answer))
		require.Equal(t, 42, answer)
	}
	passed := testing.RunTests(func(_, _ string) (bool, error) { return true, nil }, []testing.InternalTest{{Name: "TestAnswer", F: TestAnswer}})
	fmt.Println(passed)
	// Output: true
}
