// Package asterisk is a work in progress; see the end of the session.
package asterisk
