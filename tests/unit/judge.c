// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The matcher of user space, by hand: what holds, what does not, and what
 * nobody can know.
 */
#include <netinet/in.h>
#include <string.h>

#include "judge.h"
#include "test_main.h"

static struct model model;

static void start(const char *body)
{
	struct diags d = {};
	char text[1024];

	snprintf(text, sizeof(text),
		 "set s { type prefix; elements { 10.0.0.0/8 } }\nfilter f {\n%s\n}\n", body);
	if (model_parse("t", text, strlen(text), MODEL_FILES_READ, &d, &model)) {
		diag_print(&d, stdout);
		fail_msg("the filter of a test does not parse");
	}
	diag_free(&d);
}

/* A TCP packet from 10.1.2.3 to port 22 of 192.0.2.1. */
static struct judge_packet tcp_packet(void)
{
	struct judge_packet p = {
		.is_ip = true,
		.ifname = "eth0",
		.has_tcp_flags = true,
		.tcp_flags = 0x10,
	};

	judge_set(&p, WEIR_FIELD_SADDR, V4_FIRST + 0x0a010203);
	judge_set(&p, WEIR_FIELD_DADDR, V4_FIRST + 0xc0000201);
	judge_set(&p, WEIR_FIELD_PROTO, IPPROTO_TCP);
	judge_set(&p, WEIR_FIELD_SPORT, 4444);
	judge_set(&p, WEIR_FIELD_DPORT, 22);
	judge_set(&p, WEIR_FIELD_IFACE, 0);
	judge_set(&p, WEIR_FIELD_FRAGMENT, 0);
	judge_set(&p, WEIR_FIELD_ESTABLISHED, 0);
	return p;
}

/* Which rule decides: its name, "default", or "-" where the filter has no say. */
static const char *decider(const char *body, const struct judge_packet *p, enum judge_doubt doubt)
{
	static char name[NAME_BYTES];
	struct verdict v;

	start(body);
	v = judge_filter(&model, &model.filters[0], p, doubt);
	snprintf(name, sizeof(name), "%s", v.rule ? v.rule->name : v.is_judged ? "default" : "-");
	model_free(&model);
	return name;
}

static void the_first_rule_that_holds_and_decides_wins(void **state)
{
	struct judge_packet p = tcp_packet();

	(void)state;
	assert_string_equal(decider("default drop\nrule a count tcp\nrule b pass udp\n"
				    "rule c drop tcp dport 20-30\nrule d pass tcp",
				    &p, JUDGE_HOPE),
			    "c");
	assert_string_equal(decider("default drop\nrule a pass tcp dport 23", &p, JUDGE_HOPE),
			    "default");
	assert_string_equal(
		decider("default pass\nrule a drop saddr @s tcp flags ack/ack", &p, JUDGE_HOPE),
		"a");
	assert_string_equal(decider("default pass\nrule a drop interface eth*", &p, JUDGE_HOPE),
			    "a");
	assert_string_equal(decider("default pass\nrule a drop interface != eth*", &p, JUDGE_HOPE),
			    "default");
	assert_string_equal(decider("default pass\nrule a drop not fragment", &p, JUDGE_HOPE), "a");
}

static void a_field_that_is_missing_fails_the_negation_too(void **state)
{
	struct judge_packet p = tcp_packet();

	(void)state;
	p.has &= ~(1U << WEIR_FIELD_DPORT);
	assert_string_equal(decider("default pass\nrule a drop tcp dport 22\n"
				    "rule b drop tcp dport != 22",
				    &p, JUDGE_FEAR),
			    "default");
}

static void what_is_not_known_is_hoped_or_feared(void **state)
{
	struct judge_packet p = tcp_packet();

	(void)state;
	p.has |= 1U << WEIR_FIELD_TTL;
	p.unknown |= 1U << WEIR_FIELD_TTL;
	assert_string_equal(decider("default drop\nrule a pass ttl 64", &p, JUDGE_HOPE), "a");
	assert_string_equal(decider("default drop\nrule a pass ttl 64", &p, JUDGE_FEAR), "default");
	assert_string_equal(decider("default pass\nrule a drop ttl 64", &p, JUDGE_HOPE), "default");
	assert_string_equal(decider("default pass\nrule a drop ttl 64", &p, JUDGE_FEAR), "a");
	/* What is known to fail is no matter of hope. */
	assert_string_equal(decider("default drop\nrule a pass ttl 64 udp", &p, JUDGE_HOPE),
			    "default");
	assert_string_equal(decider("default pass\nrule a drop expr \"tcp\"", &p, JUDGE_FEAR), "a");
}

static void frames_that_are_not_IP_meet_rules_on_Ethernet_only(void **state)
{
	struct judge_packet arp = { .ifname = "eth0" };

	(void)state;
	judge_set(&arp, WEIR_FIELD_ETHERTYPE, 0x0806);
	judge_set(&arp, WEIR_FIELD_IFACE, 0);
	assert_string_equal(decider("default drop\nrule a drop", &arp, JUDGE_HOPE), "-");
	assert_string_equal(decider("default drop\nrule a drop ethertype arp", &arp, JUDGE_HOPE),
			    "a");
	assert_string_equal(decider("default drop\nrule a drop ethertype != arp", &arp, JUDGE_HOPE),
			    "-");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_rule_that_holds_and_decides_wins),
		cmocka_unit_test(a_field_that_is_missing_fails_the_negation_too),
		cmocka_unit_test(what_is_not_known_is_hoped_or_feared),
		cmocka_unit_test(frames_that_are_not_IP_meet_rules_on_Ethernet_only),
	};

	return WEIR_RUN(tests);
}
