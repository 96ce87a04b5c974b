// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The matcher of user space, by hand: what holds, what does not, and what
 * nobody can know.
 */
#include <netinet/in.h>
#include <string.h>

#include "describe.h"
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

/* The frame of a sentence, read back. */
static struct judge_packet read_back(const char *sentence)
{
	static struct frame frame;
	struct judge_packet p;
	char *words[64] = {}, copy[512], *at = copy, *word;
	struct failure why = {};
	size_t count = 0;

	snprintf(copy, sizeof(copy), "%s", sentence);
	while ((word = strsep(&at, " ")))
		words[count++] = word;
	assert_int_equal(describe_frame(words, &frame, &why), 0);
	judge_read(frame.bytes, frame.size, "eth0", &p);
	return p;
}

static void assert_field(const struct judge_packet *p, enum weir_field field, u128 value)
{
	assert_true(p->has & 1U << field);
	assert_true(p->value[field] == value);
}

static void a_frame_is_read_as_it_was_described(void **state)
{
	struct judge_packet p = read_back("tcp from 10.1.2.3:4444 to 192.0.2.1:22 syn,ack ttl 7 "
					  "dscp 46 length 100 vlan 12 smac 02:00:00:00:00:07");

	(void)state;
	assert_true(p.is_ip && p.has_tcp_flags);
	assert_int_equal(p.tcp_flags, 0x12);
	assert_field(&p, WEIR_FIELD_SADDR, V4_FIRST + 0x0a010203);
	assert_field(&p, WEIR_FIELD_DADDR, V4_FIRST + 0xc0000201);
	assert_field(&p, WEIR_FIELD_SPORT, 4444);
	assert_field(&p, WEIR_FIELD_DPORT, 22);
	assert_field(&p, WEIR_FIELD_TTL, 7);
	assert_field(&p, WEIR_FIELD_DSCP, 46);
	assert_field(&p, WEIR_FIELD_LENGTH, 100);
	assert_field(&p, WEIR_FIELD_VLAN, 12);
	assert_field(&p, WEIR_FIELD_SMAC, 0x020000000007);
	assert_field(&p, WEIR_FIELD_ETHERTYPE, 0x0800);
	assert_field(&p, WEIR_FIELD_FRAGMENT, 0);
	p = read_back("icmpv6 from 2001:db8::1 to 2001:db8::2 type 1 code 4 dscp 10 ttl 9");
	assert_field(&p, WEIR_FIELD_PROTO, IPPROTO_ICMPV6);
	assert_field(&p, WEIR_FIELD_ICMP_TYPE, 1);
	assert_field(&p, WEIR_FIELD_ICMP_CODE, 4);
	assert_field(&p, WEIR_FIELD_DSCP, 10);
	assert_field(&p, WEIR_FIELD_TTL, 9);
	assert_field(&p, WEIR_FIELD_LENGTH, 48);
}

static void a_later_fragment_has_no_ports(void **state)
{
	static const char *const sentences[] = { "udp from 10.0.0.1 to 10.0.0.2 fragment later",
						 "udp from 2001:db8::1 to 2001:db8::2 "
						 "fragment later" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct judge_packet p = read_back(sentences[i]);

		assert_field(&p, WEIR_FIELD_FRAGMENT, 1);
		assert_field(&p, WEIR_FIELD_PROTO, IPPROTO_UDP);
		assert_false(p.has & 1U << WEIR_FIELD_DPORT);
	}
}

/* The sanitizer watches the ends. */
static void a_frame_may_end_anywhere(void **state)
{
	static struct frame frame;
	char *words[] = { (char *)"udp",
			  (char *)"from",
			  (char *)"2001:db8::1",
			  (char *)"to",
			  (char *)"[2001:db8::2]:9",
			  (char *)"fragment",
			  (char *)"vlan",
			  (char *)"3",
			  NULL };
	struct failure why = {};
	struct judge_packet p;

	(void)state;
	assert_int_equal(describe_frame(words, &frame, &why), 0);
	for (size_t size = 0; size <= frame.size; size++) {
		__u8 *cut = malloc(size + 1);

		memcpy(cut + 1, frame.bytes, size);
		judge_read(cut + 1, size, "eth0", &p);
		free(cut);
	}
	assert_field(&p, WEIR_FIELD_DPORT, 9);
}

static void the_one_condition_that_fails_is_told(void **state)
{
	struct judge_packet p = tcp_packet();
	int which = -1;

	(void)state;
	start("default drop\nrule a pass tcp dport 23 saddr @s\nrule b pass tcp flags syn");
	assert_int_equal(judge_misses(&model, &model.filters[0].rules[0], &p, &which), 1);
	assert_int_equal(which, WEIR_FIELD_DPORT);
	assert_int_equal(judge_misses(&model, &model.filters[0].rules[1], &p, &which), 1);
	assert_int_equal(which, JUDGE_TCP_FLAGS);
	model_free(&model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_rule_that_holds_and_decides_wins),
		cmocka_unit_test(a_field_that_is_missing_fails_the_negation_too),
		cmocka_unit_test(what_is_not_known_is_hoped_or_feared),
		cmocka_unit_test(frames_that_are_not_IP_meet_rules_on_Ethernet_only),
		cmocka_unit_test(a_frame_is_read_as_it_was_described),
		cmocka_unit_test(a_later_fragment_has_no_ports),
		cmocka_unit_test(a_frame_may_end_anywhere),
		cmocka_unit_test(the_one_condition_that_fails_is_told),
	};

	return WEIR_RUN(tests);
}
