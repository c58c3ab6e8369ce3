// Campaign works through a contact list: it imports a CSV file with a few mistakes in it, dials everybody over a switch in
// memory, gives those who answer to two agents, and says what came of each contact. See README.md.
package main
