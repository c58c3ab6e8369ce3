// Package archtest holds the tests that keep Tandem's house in shape: which package may import which, that each says what it is for, and that
// nothing is committed that belongs to one machine only. The package has no code outside its tests.
//
// A new package gets its line in the placement table; until it has one the tests fail, so that its place is a decision.
package archtest
