// Package bench measures Tandem beside other systems in the same run, on the same machine: what it says of itself alone nobody can judge.
//
// The package has no code outside its tests. A benchmark skips when the other system is not installed.
package bench
