// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What plan says about a change.
 */
#include <string.h>

#include "config_text.h"
#include "diff.h"
#include "maglev.h"
#include "random_model.h"

#define SERVICE "service web { address 192.0.2.1; port tcp 80; forward ipip\n"

static char *difference(const char *from, const char *to, struct diff_count *count)
{
	struct model a = good_config(from), b = good_config(to);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct diff_count silent = model_diff(&a, &b, NULL);

	*count = model_diff(&a, &b, out);
	assert_memory_equal(&silent, count, sizeof(silent));
	fclose(out);
	model_free(&a);
	model_free(&b);
	return text;
}

static void assert_difference(const char *from, const char *to, const char *want)
{
	struct diff_count count, signs = { 0 };
	char *text = difference(from, to, &count);

	assert_string_equal(text, want);
	for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
		signs.added += *line == '+';
		signs.changed += *line == '~';
		signs.removed += *line == '-';
	}
	assert_memory_equal(&signs, &count, sizeof(signs));
	free(text);
}

static void equal_models_have_no_difference(void **state)
{
	(void)state;
	random_start();
	for (int i = 0; i < 50; i++) {
		struct model m = random_model();
		struct diff_count count = model_diff(&m, &m, NULL);

		assert_int_equal(count.added + count.changed + count.removed, 0);
		model_free(&m);
	}
}

static void everything_comes_from_and_goes_to_an_empty_model(void **state)
{
	(void)state;
	assert_difference(
		"", example_config,
		"+ interface eth0   xdp auto filter edge balance decap measure\n"
		"+ interface veth*   tc auto filter edge egress measure\n"
		"+ set bogons   type prefix, 2 elements\n"
		"+ set mail   type port, 4 elements\n"
		"+ filter edge   default pass, 12 rules\n"
		"+ service web   address 192.0.2.10, 2001:db8:ff::10 port tcp 443, udp 443 "
		"forward ipip, 2 backends\n");
	assert_difference(example_config, "",
			  "- interface eth0\n- interface veth*\n- set bogons\n- set mail\n"
			  "- filter edge\n- service web\n");
}

static void an_interface_tells_each_property(void **state)
{
	(void)state;
	assert_difference(
		"interface a { xdp; balance }",
		"interface a { tc tcx; measure; filter f }\n"
		"filter f { }",
		"~ interface a   xdp auto -> none\n~ interface a   tc none -> tcx\n"
		"~ interface a   filter none -> f\n~ interface a   balance on -> off\n"
		"~ interface a   measure none -> rtt\n+ filter f   default pass, 0 rules\n");
	assert_difference("interface a { filter f }; filter f { }; filter g { }",
			  "interface a { filter f; filter g egress }; filter f { }; filter g { }",
			  "~ interface a   egress filter none -> g\n");
}

static void a_set_tells_how_many_elements_come_and_go(void **state)
{
	(void)state;
	assert_difference("set s { type port; elements { 1, 5, 9 } }",
			  "set s { type port; elements { 1, 6-7, 9, 20, 30 } }",
			  "~ set s   +3 -1 elements (5 now)\n");
	assert_difference("set s { type port; elements { 1, 5 } }",
			  "set s { type prefix; elements { 10.0.0.0/8 } }",
			  "~ set s   type port -> prefix, 1 element\n");
}

static void rules_come_go_change_and_move(void **state)
{
	(void)state;
	assert_difference(
		"filter f { default pass; rule a pass tcp dport 22; rule b drop udp }",
		"filter f { default drop; rule a pass tcp dport 2222; rule c drop saddr ::/0 }",
		"~ filter f   default pass -> drop\n"
		"- filter f   rule b drop udp\n"
		"~ filter f   rule a  pass tcp dport 22 -> pass tcp dport 2222\n"
		"+ filter f   rule c drop saddr ::/0\n");
}

static void a_rule_tells_the_whole_of_its_action_and_matches(void **state)
{
	(void)state;
	assert_difference(
		"filter f { rule a limit 5/s; rule b log; rule c mark 1; rule d drop length > 9 }",
		"filter f { default reject; rule a limit 5/m burst 7 per saddr/24/64\n"
		" rule b log sample 1/9; rule c mark 2; rule d drop not expr \"udp\"\n"
		" rule e reject not established smac != 02:00:00:00:00:01 interface { e0, e1 } }",
		"~ filter f   default pass -> reject\n"
		"~ filter f   rule a  limit 5/s -> limit 5/m burst 7 per saddr/24/64\n"
		"~ filter f   rule b  log -> log sample 1/9\n"
		"~ filter f   rule c  mark 0x1 -> mark 0x2\n"
		"~ filter f   rule d  drop length > 9 -> drop not expr \"udp\"\n"
		"+ filter f   rule e reject not established interface { e0, e1 } smac != "
		"02:00:00:00:00:01\n");
}

static void the_fewest_rules_are_said_to_have_moved(void **state)
{
	static const char from[] =
		"filter f { rule a pass; rule b pass; rule c pass; rule d pass }";

	(void)state;
	assert_difference(from, "filter f { rule d pass; rule a pass; rule b pass; rule c pass }",
			  "~ filter f   rule d moved before rule a\n");
	assert_difference(from, "filter f { rule b pass; rule c pass; rule d pass; rule a pass }",
			  "~ filter f   rule a moved to the end\n");
	assert_difference(
		from,
		"filter f { rule a pass; rule n drop; rule c pass; rule b pass; rule d pass }",
		"+ filter f   rule n drop\n~ filter f   rule c moved before rule b\n");
	assert_difference(from, "filter f { rule a pass; rule d pass }",
			  "- filter f   rule b pass\n- filter f   rule c pass\n");
}

static void a_service_tells_addresses_ports_and_forward(void **state)
{
	(void)state;
	assert_difference(
		SERVICE "}",
		"service web { address 192.0.2.2, 2001:db8::1; port udp 80, tcp 80; forward l2 }",
		"- service web   address 192.0.2.1\n+ service web   address 192.0.2.2\n"
		"+ service web   address 2001:db8::1\n+ service web   port udp 80\n"
		"~ service web   forward ipip -> l2\n");
}

/* Share of slots that change, from the rings themselves. */
static double share_moved(const __u16 *before, const __u16 *after)
{
	static const char *const names[] = { "b1", "b2", "b3" };
	static __u32 a[WEIR_RING_SLOTS], b[WEIR_RING_SLOTS];
	unsigned int moved = 0;

	assert_int_equal(maglev_fill(names, before, 3, a, WEIR_RING_SLOTS), 0);
	assert_int_equal(maglev_fill(names, after, 3, b, WEIR_RING_SLOTS), 0);
	for (size_t i = 0; i < WEIR_RING_SLOTS; i++)
		moved += a[i] != b[i];
	return 100.0 * moved / WEIR_RING_SLOTS;
}

static void a_backend_tells_the_share_of_ring_slots_that_moves(void **state)
{
	static const char from[] = SERVICE "backend b1 10.0.0.1 weight 10\n"
					   "backend b2 10.0.0.2 weight 10\n"
					   "backend b3 10.0.0.3 weight 10 }";
	static const __u16 all[] = { 10, 10, 10 }, lighter[] = { 10, 5, 10 },
			   without[] = { 10, 10, 0 }, both[] = { 10, 5, 0 };
	char want[300];

	(void)state;
	snprintf(want, sizeof(want),
		 "~ service web   backend b2 weight 10 -> 5   (%.1f %% of ring slots move)\n",
		 share_moved(all, lighter));
	assert_difference(from,
			  SERVICE "backend b3 10.0.0.3 weight 10\nbackend b1 10.0.0.1 weight 10\n"
				  "backend b2 10.0.0.2 weight 5 }",
			  want);
	snprintf(want, sizeof(want),
		 "- service web   backend b3 10.0.0.3 weight 10   (%.1f %% of ring slots move)\n",
		 share_moved(all, without));
	assert_difference(from,
			  SERVICE "backend b1 10.0.0.1 weight 10\n"
				  "backend b2 10.0.0.2 weight 10 }",
			  want);
	snprintf(want, sizeof(want),
		 "~ service web   backend b2 weight 10 -> 5\n"
		 "~ service web   backend b3 drain off -> on   (%.1f %% of ring slots move in "
		 "all)\n",
		 share_moved(all, both));
	assert_difference(from,
			  SERVICE "backend b1 10.0.0.1 weight 10\nbackend b2 10.0.0.2 weight 5\n"
				  "backend b3 10.0.0.3 weight 10 drain }",
			  want);
}

static void what_moves_no_slot_tells_no_share(void **state)
{
	(void)state;
	assert_difference(SERVICE "backend b1 10.0.0.1\nbackend b2 10.0.0.2 weight 3 drain }",
			  SERVICE "backend b1 10.0.0.1\nbackend b2 10.0.0.2 weight 4 drain\n"
				  "backend b3 10.0.0.3 drain }",
			  "~ service web   backend b2 weight 3 -> 4\n"
			  "+ service web   backend b3 10.0.0.3 weight 1 drain\n");
}

static void the_first_backend_and_the_last_move_the_whole_ring(void **state)
{
	(void)state;
	assert_difference(
		SERVICE "}", SERVICE "backend b1 10.0.0.1 }",
		"+ service web   backend b1 10.0.0.1 weight 1   (100.0 % of ring slots move)\n");
	assert_difference(
		SERVICE "backend b1 10.0.0.1 }", SERVICE "backend b1 10.0.0.9 }",
		"~ service web   backend b1 10.0.0.1 -> 10.0.0.9   (100.0 % of ring slots "
		"move)\n");
	assert_difference(
		SERVICE "backend b1 10.0.0.1 }", SERVICE "backend b1 10.0.0.1 drain }",
		"~ service web   backend b1 drain off -> on   (100.0 % of ring slots move)\n");
}

#define POOL "pool p { backend b1 10.0.0.1; backend b2 10.0.0.2 }\n"

static void a_service_tells_each_setting(void **state)
{
	(void)state;
	assert_difference(
		POOL "service web { address 192.0.2.1; port any; forward gue; backend b 10.0.0.9 }",
		POOL "service web { address 192.0.2.0/28; port tcp 80-90, udp any\n"
		     " forward gue checksum; source 10.0.0.7, 2001:db8::7; hash source/24/64\n"
		     " track all; udp track 30s; settle 5m; mss auto\n"
		     " allow { 10.0.0.0/8, 192.0.2.7 }; limit 5/s; limit 2/m per saddr\n"
		     " syncookie above 9/s; empty reject; backends p }",
		"- service web   address 192.0.2.1\n- service web   port any\n"
		"+ service web   address 192.0.2.0/28\n+ service web   port tcp 80-90\n"
		"+ service web   port udp any\n"
		"~ service web   forward gue -> gue checksum\n"
		"~ service web   source by route -> 10.0.0.7, 2001:db8::7\n"
		"~ service web   hash tuple -> source/24/64\n"
		"~ service web   track moved -> all\n"
		"~ service web   udp ring -> track 30s\n"
		"~ service web   settle 1h -> 5m\n"
		"~ service web   mss off -> auto\n"
		"~ service web   allow all -> { 10.0.0.0/8, 192.0.2.7 }\n"
		"~ service web   limit none -> 5/s\n"
		"~ service web   limit per source none -> 2/m per saddr\n"
		"~ service web   syncookie off -> above 9/s\n"
		"~ service web   empty drop -> reject\n"
		"~ service web   backends its own -> p\n"
		"- service web   backend b 10.0.0.9 weight 1   (100.0 % of ring slots move)\n");
}

static void a_pool_tells_its_backends(void **state)
{
	(void)state;
	assert_difference(POOL, POOL "pool q { backend b 10.0.0.1 }", "+ pool q   1 backend\n");
	assert_difference(POOL, "", "- pool p\n");
	assert_difference(
		POOL, "pool p { backend b1 10.0.0.1; backend b2 10.0.0.2 weight 0 quic-id 7 }",
		"~ pool p   backend b2 weight 1 -> 0, quic-id none -> 7   (50.0 % of ring slots "
		"move)\n");
}

static struct model stored_config(const char *text)
{
	struct diags d = { 0 };
	struct model m = { 0 };

	if (model_parse("stored", text, strlen(text), MODEL_FILES_STORED, &d, &m))
		fail_msg("%s\nrefused: %s", text, first_message(&d));
	diag_free(&d);
	return m;
}

/* Of one backend. */
static void assert_backend_difference(const char *from, const char *to, const char *want)
{
	char text[300], *got = NULL;
	size_t size;
	FILE *out = open_memstream(&got, &size);
	struct model a, b;

	snprintf(text, sizeof(text), SERVICE "backend b1 %s }", from);
	a = stored_config(text);
	snprintf(text, sizeof(text), SERVICE "backend b1 %s }", to);
	b = stored_config(text);
	model_diff(&a, &b, out);
	fclose(out);
	snprintf(text, sizeof(text), "~ service web   backend b1 %s\n", want);
	assert_string_equal(got, text);
	free(got);
	model_free(&a);
	model_free(&b);
}

static void a_backend_tells_its_port_and_its_name(void **state)
{
	(void)state;
	assert_difference("service s { address 192.0.2.1; port tcp any; forward nat; backend b "
			  "10.0.0.1:80 }",
			  "service s { address 192.0.2.1; port tcp any; forward nat; backend b "
			  "10.0.0.1:8080 }",
			  "~ service s   backend b 10.0.0.1:80 -> 10.0.0.1:8080\n");
	assert_backend_difference(
		"b.example.net resolved 10.0.0.1", "b.example.net resolved 10.0.0.2",
		"b.example.net 10.0.0.1 -> 10.0.0.2   (100.0 % of ring slots move)");
	assert_backend_difference("10.0.0.1", "b.example.net resolved 10.0.0.1",
				  "10.0.0.1 -> b.example.net");
	assert_backend_difference("10.0.0.1", "b.example.net resolved 10.0.0.2 weight 3",
				  "10.0.0.1 -> b.example.net, which is 10.0.0.2, weight 1 -> 3   "
				  "(100.0 % of ring slots move)");
	assert_backend_difference("b.example.net resolved 10.0.0.1", "10.0.0.1",
				  "b.example.net -> 10.0.0.1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_models_have_no_difference),
		cmocka_unit_test(everything_comes_from_and_goes_to_an_empty_model),
		cmocka_unit_test(an_interface_tells_each_property),
		cmocka_unit_test(a_set_tells_how_many_elements_come_and_go),
		cmocka_unit_test(rules_come_go_change_and_move),
		cmocka_unit_test(a_rule_tells_the_whole_of_its_action_and_matches),
		cmocka_unit_test(the_fewest_rules_are_said_to_have_moved),
		cmocka_unit_test(a_service_tells_addresses_ports_and_forward),
		cmocka_unit_test(a_service_tells_each_setting),
		cmocka_unit_test(a_pool_tells_its_backends),
		cmocka_unit_test(a_backend_tells_its_port_and_its_name),
		cmocka_unit_test(a_backend_tells_the_share_of_ring_slots_that_moves),
		cmocka_unit_test(what_moves_no_slot_tells_no_share),
		cmocka_unit_test(the_first_backend_and_the_last_move_the_whole_ring),
	};

	return WEIR_RUN(tests);
}
