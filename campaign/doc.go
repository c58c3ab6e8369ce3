// Package campaign decides whom to call: contact lists and their import, calling windows, retry rules, do-not-call, and the
// Runner that works through a list with as many calls as package dialer allows.
//
// # The trade's words
//
// A campaign works through leads: the contacts of its list, each with one or more phones. An attempt is one dialling of one number
// of a lead. Its outcome (connected, busy, no answer and so on) decides by the retry rules when the lead is due again,
// and on which phone, or that it is done. A calling window is when, in the campaign's time zone, calls may be placed. A lease
// holds a lead for one node for a short time; its fencing number makes a late writer harmless.
//
// # What cannot happen
//
// The Store records an attempt, in one transaction with the do-not-call check, before the number is dialled: a crash at any
// instruction leaves either no attempt and no call, or an attempt on record that the next start settles as interrupted
// and that only a rule may try again. No lead is dialled twice at a time, no blocked number is dialled, no call is placed
// outside the window, and when the last agent leaves nothing more is dialled.
package campaign
