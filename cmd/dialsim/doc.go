// Command dialsim plays outbound shifts with the pacers of package dialer and says how busy the agents were and how many people who
// answered met nobody. See the README beside it.
package main
