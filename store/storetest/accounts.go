package storetest

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/web/account"
)

// Accounts checks a account.Accounts.
func Accounts(t *testing.T, open func(t *testing.T) Durable[account.Accounts]) {
	t.Helper()
	cases(t, open, map[string]func(*testing.T, Durable[account.Accounts]){
		"SavesByVersion":    accountsSaveByVersion,
		"OneOfManyWins":     accountsOneOfManyWins,
		"Lists":             accountsList,
		"HeedsTheContext":   accountsHeedTheContext,
		"SurvivesReopening": accountsSurviveReopening,
	})
}

// Sessions checks a account.Sessions.
func Sessions(t *testing.T, open func(t *testing.T) Durable[account.Sessions]) {
	t.Helper()
	cases(t, open, map[string]func(*testing.T, Durable[account.Sessions]){
		"SavesAndDeletes":   sessionsSaveAndDelete,
		"Lists":             sessionsList,
		"DeletesExpired":    sessionsDeleteExpired,
		"HeedsTheContext":   sessionsHeedTheContext,
		"SurvivesReopening": sessionsSurviveReopening,
	})
}

// account returns an account with every field set.
func person(login string) account.Account {
	return account.Account{
		Login: login, Name: "Ana Gil ☎", Role: account.RoleSupervisor, Agent: "ana", Password: "$argon2id$v=19$m=1,t=1,p=1$c2FsdA$aGFzaA",
		Disabled: true, Failures: 2, LockedUntil: start(),
	}
}

func accountsSaveByVersion(t *testing.T, d Durable[account.Accounts]) {
	_, err := d.Store.Account(t.Context(), "ana")
	require.ErrorIs(t, err, tandem.ErrNotFound)
	a := person("ana")
	require.NoError(t, d.Store.SaveAccount(t.Context(), a))
	require.ErrorIs(t, d.Store.SaveAccount(t.Context(), a), tandem.ErrConflict, "a new account whose name is taken")
	got, err := d.Store.Account(t.Context(), "ana")
	require.NoError(t, err)
	a.Version = 1
	require.Equal(t, a, got)
	a.Failures = 3
	require.NoError(t, d.Store.SaveAccount(t.Context(), a))
	require.ErrorIs(t, d.Store.SaveAccount(t.Context(), a), tandem.ErrConflict, "someone was first")
	got, err = d.Store.Account(t.Context(), "ana")
	require.NoError(t, err)
	assert.Equal(t, 3, got.Failures)
	assert.EqualValues(t, 2, got.Version)
	stranger := person("bo")
	stranger.Version = 5
	require.ErrorIs(t, d.Store.SaveAccount(t.Context(), stranger), tandem.ErrConflict, "a change of an account that is not there")
}

func accountsOneOfManyWins(t *testing.T, d Durable[account.Accounts]) {
	require.NoError(t, d.Store.SaveAccount(t.Context(), person("ana")))
	a, err := d.Store.Account(t.Context(), "ana")
	require.NoError(t, err)
	var won atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := d.Store.SaveAccount(t.Context(), a); err == nil {
				won.Add(1)
			} else {
				assert.ErrorIs(t, err, tandem.ErrConflict)
			}
		})
	}
	wg.Wait()
	assert.EqualValues(t, 1, won.Load(), "changes on one version")
}

func accountsList(t *testing.T, d Durable[account.Accounts]) {
	accs, err := d.Store.ListAccounts(t.Context())
	require.NoError(t, err)
	assert.Empty(t, accs)
	for _, login := range []string{"bo", "ana", "zoe"} {
		require.NoError(t, d.Store.SaveAccount(t.Context(), person(login)))
	}
	accs, err = d.Store.ListAccounts(t.Context())
	require.NoError(t, err)
	var logins []string
	for _, a := range accs {
		logins = append(logins, a.Login)
	}
	assert.Equal(t, []string{"ana", "bo", "zoe"}, logins)
}

func accountsHeedTheContext(t *testing.T, d Durable[account.Accounts]) {
	require.ErrorIs(t, d.Store.SaveAccount(cancelled(t), person("ana")), context.Canceled)
	_, err := d.Store.Account(t.Context(), "ana")
	require.ErrorIs(t, err, tandem.ErrNotFound)
}

func accountsSurviveReopening(t *testing.T, d Durable[account.Accounts]) {
	a := person("ana")
	require.NoError(t, d.Store.SaveAccount(t.Context(), a))
	a.Version = 1
	got, err := d.reopen(t).Account(t.Context(), "ana")
	require.NoError(t, err)
	assert.Equal(t, a, got)
}

// session returns a session with every field set that began n minutes after the start.
func session(key, login string, n int) account.Session {
	at := start().Add(time.Duration(n) * time.Minute)
	return account.Session{Key: key, Login: login, Token: true, Label: "Firefox ☎", Created: at, Seen: at, Expires: at.Add(time.Hour)}
}

func sessionsSaveAndDelete(t *testing.T, d Durable[account.Sessions]) {
	s := session("k1", "ana", 0)
	require.NoError(t, d.Store.SaveSession(t.Context(), s))
	s.Seen = s.Seen.Add(time.Minute)
	require.NoError(t, d.Store.SaveSession(t.Context(), s))
	got, err := d.Store.Session(t.Context(), "k1")
	require.NoError(t, err)
	assert.Equal(t, s, got)
	require.NoError(t, d.Store.DeleteSession(t.Context(), "k1"))
	require.NoError(t, d.Store.DeleteSession(t.Context(), "k1"), "unknown by now")
	_, err = d.Store.Session(t.Context(), "k1")
	require.ErrorIs(t, err, tandem.ErrNotFound)
}

func sessionsList(t *testing.T, d Durable[account.Sessions]) {
	for i, key := range []string{"k0", "k1", "k2"} {
		login := "ana"
		if i == 1 {
			login = "bo"
		}
		require.NoError(t, d.Store.SaveSession(t.Context(), session(key, login, i)))
	}
	keys := func(login string) []string {
		list, err := d.Store.ListSessions(t.Context(), login)
		require.NoError(t, err)
		var ks []string
		for _, s := range list {
			ks = append(ks, s.Key)
		}
		return ks
	}
	assert.Equal(t, []string{"k2", "k0"}, keys("ana"), "the newest first")
	assert.Equal(t, []string{"k2", "k1", "k0"}, keys(""), "of everybody")
	assert.Empty(t, keys("nobody"))
}

func sessionsDeleteExpired(t *testing.T, d Durable[account.Sessions]) {
	for i, key := range []string{"k0", "k1", "k2"} {
		require.NoError(t, d.Store.SaveSession(t.Context(), session(key, "ana", i)))
	}
	require.NoError(t, d.Store.DeleteExpired(t.Context(), start().Add(61*time.Minute)))
	list, err := d.Store.ListSessions(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, list, 1)
	assert.Equal(t, "k2", list[0].Key)
}

func sessionsHeedTheContext(t *testing.T, d Durable[account.Sessions]) {
	require.ErrorIs(t, d.Store.SaveSession(cancelled(t), session("k", "ana", 0)), context.Canceled)
	_, err := d.Store.Session(t.Context(), "k")
	require.ErrorIs(t, err, tandem.ErrNotFound)
}

func sessionsSurviveReopening(t *testing.T, d Durable[account.Sessions]) {
	s := session("k", "ana", 0)
	require.NoError(t, d.Store.SaveSession(t.Context(), s))
	got, err := d.reopen(t).Session(t.Context(), "k")
	require.NoError(t, err)
	assert.Equal(t, s, got)
}
