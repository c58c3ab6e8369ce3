// Command tandem is the reference call centre: the packages of this module composed into one server.
//
//	tandem demo     a living call centre in seconds: simulated carrier, customers and colleagues, seats free for you
//	tandem serve    the same server with your own configuration (file, environment, flags)
//	tandem check    reads a configuration and says what is wrong with it
//	tandem user     adds, lists, unlocks accounts and resets their passwords
//
// The program only chooses, configures, starts and stops; whatever it does, a host program can do with the same packages.
package main
