// Package account holds who may use a centre's pages and what they may do: accounts with their roles, the sessions of
// those who are logged in, and the ports behind which a store keeps both.
//
// It stands apart from package web, which checks passwords and serves pages, so that a store implements the ports
// without the HTTP server and its dependencies: this package needs the standard library and the root package only. It
// starts no goroutines. Hosts that use package web find these names there as well.
package account
