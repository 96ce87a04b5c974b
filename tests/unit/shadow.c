// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rules that can never match, in a universe so small that random packets find
 * out who is wrong; and the index against comparing each with each.
 */
#include <string.h>

#include "judge.h"
#include "random.h"
#include "shadow.h"
#include "test_main.h"

#define VALUES 6
#define RULES 40

static const enum weir_field fields[] = {
	WEIR_FIELD_SADDR, WEIR_FIELD_PROTO,	WEIR_FIELD_DPORT,    WEIR_FIELD_VLAN,
	WEIR_FIELD_IFACE, WEIR_FIELD_ETHERTYPE, WEIR_FIELD_FRAGMENT,
};

#define FIELDS (sizeof(fields) / sizeof(*fields))

static const char *const devices[] = { "eth0", "eth1", "veth0" };
static char *patterns[] = { (char *)"eth0", (char *)"eth*", (char *)"veth0", (char *)"*0" };
static char *set_names[] = { (char *)"s0", (char *)"s1" };

static bool one_in(__u32 n)
{
	return random_below(n) == 0;
}

static size_t random_ranges(range *out)
{
	size_t count = 1 + random_below(2);

	for (size_t i = 0; i < count; i++) {
		__u32 first = random_below(VALUES);

		range_set(&out[i], first, first + random_below(VALUES - first));
	}
	return ranges_normalise(out, count);
}

static void random_condition(struct rule *r, enum weir_field field)
{
	struct match *m = &r->match[field];

	m->present = true;
	m->negated = one_in(4);
	if (field == WEIR_FIELD_IFACE) {
		r->interfaces_count = 1 + random_below(2);
		r->interfaces = &patterns[random_below(3)];
		return;
	}
	if (field == WEIR_FIELD_SADDR && one_in(3)) {
		m->sets_count = (__u16)(1 + random_below(2));
		m->sets = &set_names[m->sets_count == 2 ? 0 : random_below(2)];
	}
	if (m->sets_count && one_in(2))
		return;
	m->ranges = calloc(2, sizeof(range));
	m->ranges_count = 1;
	if (field == WEIR_FIELD_FRAGMENT)
		range_set(m->ranges, 1, 1);
	else
		m->ranges_count = (__u32)random_ranges(m->ranges);
}

static void random_rule(struct rule *r)
{
	*r = (struct rule){ .action = (enum weir_action)random_below(WEIR_ACTION_KINDS) };
	for (size_t i = 0; i < FIELDS; i++) {
		if (one_in(5))
			random_condition(r, fields[i]);
	}
	if (one_in(5)) {
		r->tcp_flags.present = true;
		r->tcp_flags.negated = one_in(3);
		r->tcp_flags.mask = (__u8)(1 + random_below(7));
		r->tcp_flags.value = r->tcp_flags.mask & (__u8)random_below(8);
	}
}

static void random_packet(struct judge_packet *p)
{
	*p = (struct judge_packet){ .is_ip = !one_in(4), .ifname = devices[random_below(3)] };
	judge_set(p, WEIR_FIELD_IFACE, 0);
	if (!one_in(5))
		judge_set(p, WEIR_FIELD_ETHERTYPE, random_below(VALUES));
	if (one_in(2))
		judge_set(p, WEIR_FIELD_VLAN, random_below(VALUES));
	if (!p->is_ip)
		return;
	judge_set(p, WEIR_FIELD_FRAGMENT, random_below(2));
	if (!one_in(8))
		judge_set(p, WEIR_FIELD_SADDR, random_below(VALUES));
	if (!one_in(4))
		judge_set(p, WEIR_FIELD_PROTO, random_below(VALUES));
	if (!one_in(3))
		judge_set(p, WEIR_FIELD_DPORT, random_below(VALUES));
	p->has_tcp_flags = one_in(2);
	p->tcp_flags = (__u8)random_below(8);
}

struct universe {
	struct rule rules[RULES];
	struct filter filter;
	range elements[2][2];
	struct set sets[2];
	struct model model;
};

static void make_universe(struct universe *u)
{
	memset(u, 0, sizeof(*u));
	for (int i = 0; i < 2; i++) {
		snprintf(u->sets[i].name, sizeof(u->sets[i].name), "s%d", i);
		u->sets[i].elements = u->elements[i];
		u->sets[i].elements_count = random_ranges(u->elements[i]);
	}
	for (int i = 0; i < RULES; i++)
		random_rule(&u->rules[i]);
	u->filter = (struct filter){ .rules = u->rules, .rules_count = RULES };
	u->model = (struct model){ .sets = u->sets, .sets_count = 2 };
}

static void free_universe(struct universe *u)
{
	for (int i = 0; i < RULES; i++) {
		for (int f = 0; f < WEIR_FIELD_COUNT; f++)
			free(u->rules[i].match[f].ranges);
	}
}

static void the_index_finds_what_comparing_each_with_each_finds(void **state)
{
	static struct universe u;
	__u32 fast[RULES], slow[RULES];
	unsigned int shadowed = 0;

	(void)state;
	random_start();
	for (int round = 0; round < 300; round++) {
		make_universe(&u);
		assert_int_equal(shadow_find(&u.filter, fast), RULES);
		shadow_find_slowly(&u.filter, slow);
		for (int i = 0; i < RULES; i++) {
			assert_int_equal(fast[i], slow[i]);
			shadowed += fast[i] != SHADOW_NONE;
		}
		free_universe(&u);
	}
	printf("# %u of %u rules were shadowed\n", shadowed, 300U * RULES);
	assert_true(shadowed > 300);
}

static void no_packet_reaches_a_rule_that_was_said_to_be_shadowed(void **state)
{
	static struct universe u;
	__u32 shadow[RULES];
	unsigned long matched = 0;

	(void)state;
	random_start();
	for (int round = 0; round < 60; round++) {
		make_universe(&u);
		assert_int_equal(shadow_find(&u.filter, shadow), RULES);
		for (int n = 0; n < 1500; n++) {
			struct judge_packet p;

			random_packet(&p);
			for (int i = 0; i < RULES; i++) {
				if (shadow[i] == SHADOW_NONE ||
				    judge_rule(&u.model, &u.rules[i], &p) != JUDGE_YES)
					continue;
				matched++;
				assert_int_equal(judge_rule(&u.model, &u.rules[shadow[i]], &p),
						 JUDGE_YES);
			}
		}
		free_universe(&u);
	}
	printf("# %lu packets matched a shadowed rule\n", matched);
	assert_true(matched > 1000);
}

/* Parse a filter's body, and say which rule shadows its last one; "" for none. */
static const char *shadow_of_last(const char *body)
{
	static char name[NAME_BYTES];
	struct diags d = {};
	struct model m = {};
	char text[1024];
	__u32 shadow[16];
	size_t last;

	snprintf(text, sizeof(text), "set s { type prefix; elements { 10.0.0.0/8 } }\n%s%s\n}\n",
		 "filter f {\n default pass\n", body);
	assert_int_equal(model_parse("t", text, strlen(text), MODEL_FILES_READ, &d, &m), 0);
	diag_free(&d);
	last = m.filters[0].rules_count - 1;
	assert_int_equal(shadow_find(&m.filters[0], shadow), (long)last + 1);
	name[0] = '\0';
	if (shadow[last] != SHADOW_NONE)
		snprintf(name, sizeof(name), "%s", m.filters[0].rules[shadow[last]].name);
	model_free(&m);
	return name;
}

static void a_wider_rule_in_front_shadows(void **state)
{
	(void)state;
	assert_string_equal(shadow_of_last("rule a drop saddr 10.0.0.0/8\n"
					   "rule b pass saddr 10.1.0.0/16 tcp dport 22"),
			    "a");
	assert_string_equal(shadow_of_last("rule a pass tcp dport { 20-25, 80 }\n"
					   "rule b drop tcp dport { 22, 80 } flags syn"),
			    "a");
	assert_string_equal(shadow_of_last("rule a drop\nrule b pass icmp type 8"), "a");
	assert_string_equal(shadow_of_last("rule a drop tcp flags != syn/syn\n"
					   "rule b pass tcp flags ack/syn,ack"),
			    "a");
	assert_string_equal(shadow_of_last("rule a drop saddr != 10.0.0.0/8\n"
					   "rule b pass saddr 2001:db8::/32"),
			    "a");
	assert_string_equal(shadow_of_last("rule a drop saddr @s\nrule b pass tcp saddr @s"), "a");
}

static void the_first_of_several_is_named(void **state)
{
	(void)state;
	assert_string_equal(shadow_of_last("rule a drop tcp\nrule b drop tcp dport 22\n"
					   "rule c pass tcp dport 22"),
			    "a");
}

static void what_only_overlaps_or_goes_on_does_not_shadow(void **state)
{
	(void)state;
	assert_string_equal(shadow_of_last("rule a drop tcp dport 1-22\n"
					   "rule b pass tcp dport 22-23"),
			    "");
	assert_string_equal(shadow_of_last("rule a count tcp\nrule b pass tcp dport 22"), "");
	assert_string_equal(shadow_of_last("rule a drop tcp dport 22\nrule b pass tcp"), "");
	/* A set may hold something else tomorrow. */
	assert_string_equal(shadow_of_last("rule a drop saddr 10.0.0.0/8\nrule b pass saddr @s"),
			    "");
	assert_string_equal(shadow_of_last("rule a drop saddr @s\nrule b pass saddr 10.0.0.1"), "");
	assert_string_equal(shadow_of_last("rule a drop saddr != @s\nrule b pass saddr 11.0.0.1"),
			    "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_index_finds_what_comparing_each_with_each_finds),
		cmocka_unit_test(no_packet_reaches_a_rule_that_was_said_to_be_shadowed),
		cmocka_unit_test(a_wider_rule_in_front_shadows),
		cmocka_unit_test(the_first_of_several_is_named),
		cmocka_unit_test(what_only_overlaps_or_goes_on_does_not_shadow),
	};

	return WEIR_RUN(tests);
}
