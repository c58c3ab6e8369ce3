// Acd-staffing answers a planner's question with the real routing engine: how many agents does tomorrow's hour need? It plays the hour in virtual
// time, without a switch or a clock, once for each number of agents, and prints who waited how long.
package main
