// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * States of connections. conntrack's new is a connection's first packet and
 * its established any other, whoever opened it; weir's established is what
 * this host opened. No import may cut what the rules let live.
 */
#include "import_text.h"

#define ALL_OF_WHAT_OTHERS_OPEN                                                           \
	"weir's \"not established\" holds for every packet of what others open, and for " \
	"invalid ones, not for a connection's first alone\n"
#define ANSWERS_ARE_NOT                                                                 \
	"weir's established is what this host opened: its answers to others, SYN-ACKs " \
	"among them, meet the rules behind; let them out by their source port\n"

/* The rules of one chain with policy drop; its rules and its notes, lines from 4. */
static const struct {
	const char *hook, *rules, *becomes;
} cases[] = {
	/* the client's ACK is no SYN, and not established before the host sends one */
	{ "input", "tcp flags & (fin | syn | rst | ack) != syn ct state new drop",
	  "4: weir's established is what this host opened, so that this would drop the ACKs of "
	  "every connection that others open to it; what it dropped goes on to the rules behind "
	  "it\n" },
	{ "input", "ct state new tcp flags & (fin | syn | rst | ack) == syn tcp dport 23 drop",
	  "drop tcp dport 23 flags syn/fin,syn,rst,ack not established\n" },
	{ "input", "ct state new tcp dport 23 drop",
	  "drop tcp dport 23 not established\n4: " ALL_OF_WHAT_OTHERS_OPEN },
	{ "input", "tcp dport 22 ct state new accept",
	  "pass tcp dport 22 not established\n4: " ALL_OF_WHAT_OTHERS_OPEN },
	{ "input", "tcp dport 22 tcp flags & (fin | syn | rst | ack) == syn ct state new accept",
	  "pass tcp dport 22 not established\n4: weir's established is not what others opened; the "
	  "rule holds for all packets of these connections, not for their SYN alone\n" },
	{ "input",
	  "ct state established,related accept\n"
	  "tcp dport 22 tcp flags & (fin | syn | rst | ack) == syn accept",
	  "pass established\npass tcp dport 22\n5: weir's established is not what others opened; "
	  "the rule holds for all packets of these connections, not for their SYN alone\n" },
	/* three SYNs a minute, not three packets */
	{ "input", "tcp dport 22 ct state new limit rate 3/minute accept",
	  "limit 3/m burst 5 tcp dport 22 flags syn/syn,ack not established\n"
	  "pass tcp dport 22 not established\n4: weir's limit counts the SYNs of connections that "
	  "begin; what it lets through holds for all packets that are not established\n" },
	{ "input", "tcp dport 22 ct state new limit rate over 3/minute drop",
	  "limit 3/m burst 5 tcp dport 22 flags syn/syn,ack not established\n" },
	{ "input", "udp dport 53 ct state new limit rate 3/minute accept",
	  "4: a limit of new packets would count every packet of what others open, as weir's "
	  "established is what this host opened; limit TCP alone; what it accepted goes on to the "
	  "rules behind it\n" },
	{ "input", "icmp type echo-request ct state new limit rate over 5/second drop",
	  "limit 5/s burst 5 icmp type echo-request not established\n4: weir's limit counts every "
	  "packet here, not the first of each flow\n" },
	/* of a rule that is not there nothing else is said */
	{ "input", "ct state established tcp dport 22 fib saddr type local accept",
	  "4: weir has no match for fib saddr; what it accepted goes on to the rules behind it\n" },
	{ "output", "ct state established,related accept",
	  "pass established\n4: " ANSWERS_ARE_NOT },
	{ "output", "ct state new drop",
	  "4: weir's established is what this host opened, so that this would drop its answers to "
	  "others, SYN-ACKs among them; what it dropped goes on to the rules behind it\n" },
	{ "output", "tcp flags & (fin | syn | rst | ack) == syn ct state new drop",
	  "drop tcp flags syn/fin,syn,rst,ack not established\n" },
	{ "output", "tcp dport 443 ct state new accept",
	  "pass tcp dport 443 not established\n4: weir's \"not established\" holds for every "
	  "packet "
	  "that leaves in answer to others, and for invalid ones, not for a connection's first "
	  "alone\n" },
};

static void no_rule_about_a_state_cuts_what_others_opened(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[1024];
		char *rules;

		snprintf(text, sizeof(text),
			 "table inet t {\nchain c {\ntype filter hook %s priority 0; policy drop\n"
			 "%s\n}\n}\n",
			 cases[i].hook, cases[i].rules);
		rules = rules_of(IMPORT_NFT, text);
		assert_string_equal(rules, cases[i].becomes);
		free(rules);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_rule_about_a_state_cuts_what_others_opened),
	};

	return WEIR_RUN(tests);
}
