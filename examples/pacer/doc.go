// Pacer plugs a pacer of its own into package dialer and compares it with those that are there, in a small simulation of one
// eight-hour shift. See README.md.
package main
