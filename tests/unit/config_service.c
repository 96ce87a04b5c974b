// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pools and services: what is accepted, how it prints, what makes a difference.
 */
#include <netinet/in.h>
#include <string.h>

#include "config_text.h"
#include "mutate.h"
#include "ranges.h"

#define MUTATIONS 4000

/* Every statement that pools and services have. */
static const char everything[] =
	"define office = { 198.51.100.0/24, 2001:db8:5::/48 }\n"
	"interface eth0 { balance }; interface veth* { return }\n"
	"set partners { type prefix; elements 192.0.2.128/25 }\n"
	"pool web-servers {\n"
	"    backend b1 10.0.7.11 weight 10 quic-id 1\n"
	"    backend b2 2001:db8::2 weight 0 quic-id 2\n"
	"    backend b3 b3.example.net drain quic-id 65535\n"
	"}\n"
	"service web {\n"
	"    address 192.0.2.10, 2001:db8:ff::10, 203.0.113.0/28; address 2001:db8:fe::/64\n"
	"    port tcp { 443, 80 }, udp 443, tcp 8000-8999\n"
	"    forward gue checksum\n"
	"    source 10.0.0.1, 2001:db8::1\n"
	"    hash source/24/64\n"
	"    track all\n"
	"    udp quic\n"
	"    settle 90m\n"
	"    mss auto\n"
	"    allow { $office, 192.0.2.200, @partners }\n"
	"    limit 10000/s burst 20000; limit 20/second per saddr/32/64\n"
	"    syncookie above 1000/s\n"
	"    empty reject\n"
	"    backends web-servers\n"
	"}\n"
	"service api {\n"
	"    address 192.0.2.11\n"
	"    port tcp any\n"
	"    forward nat\n"
	"    source { 10.0.0.2, 10.0.0.3 }\n"
	"    hash source; syncookie always; mss 1400; allow 10.0.0.0/8\n"
	"    backend a1 10.0.8.1:8443 weight 5\n"
	"    backend a2 a2:8443\n"
	"}\n"
	"service dns {\n"
	"    address 2001:db8:ff::53\n"
	"    port tcp any, udp any\n"
	"    forward local\n"
	"    udp track 30s\n"
	"    backend d1 [2001:db8::53]:5353\n"
	"}\n"
	"service all {\n"
	"    address 192.0.2.12\n"
	"    port any\n"
	"    forward l2\n"
	"    backend l1 10.0.8.9\n"
	"}\n";

static const char everything_printed[] =
	"interface eth0 {\n    xdp auto\n    balance\n}\n\n"
	"interface veth* {\n    tc auto\n    return\n}\n\n"
	"set partners {\n    type prefix\n    elements { 192.0.2.128/25 }\n}\n\n"
	"pool web-servers {\n"
	"    backend b1 10.0.7.11 weight 10 quic-id 1\n"
	"    backend b2 2001:db8::2 weight 0 quic-id 2\n"
	"    backend b3 b3.example.net weight 1 quic-id 65535 drain\n"
	"}\n\n"
	"service web {\n"
	"    address 192.0.2.10, 2001:db8:ff::10, 203.0.113.0/28, 2001:db8:fe::/64\n"
	"    port tcp 443, tcp 80, udp 443, tcp 8000-8999\n"
	"    forward gue checksum\n"
	"    source 10.0.0.1, 2001:db8::1\n"
	"    hash source/24/64\n"
	"    track all\n"
	"    udp quic\n"
	"    settle 1h30m\n"
	"    mss auto\n"
	"    allow { 192.0.2.200, 198.51.100.0/24, 2001:db8:5::/48, @partners }\n"
	"    limit 10000/s burst 20000\n"
	"    limit 20/s per saddr/32/64\n"
	"    syncookie above 1000/s\n"
	"    empty reject\n"
	"    backends web-servers\n"
	"}\n\n"
	"service api {\n"
	"    address 192.0.2.11\n"
	"    port tcp any\n"
	"    forward nat\n"
	"    source 10.0.0.2, 10.0.0.3\n"
	"    hash source\n"
	"    mss 1400\n"
	"    allow 10.0.0.0/8\n"
	"    syncookie always\n"
	"    backend a1 10.0.8.1:8443 weight 5\n"
	"    backend a2 a2:8443 weight 1\n"
	"}\n\n"
	"service dns {\n"
	"    address 2001:db8:ff::53\n"
	"    port tcp any, udp any\n"
	"    forward local\n"
	"    udp track 30s\n"
	"    backend d1 [2001:db8::53]:5353 weight 1\n"
	"}\n\n"
	"service all {\n"
	"    address 192.0.2.12\n"
	"    port any\n"
	"    forward l2\n"
	"    backend l1 10.0.8.9 weight 1\n"
	"}\n";

static void every_statement_prints_in_canonical_form(void **state)
{
	struct model m = good_config(everything);
	char *text = print_config(&m, MODEL_PRINT_USER);
	struct diags d = { 0 };
	struct model again = { 0 };

	(void)state;
	assert_string_equal(text, everything_printed);
	assert_int_equal(parse_config(text, strlen(text), &d, &again), 0);
	assert_true(model_equal(&m, &again));
	assert_string_equal(first_message(&d), "");
	free(text);
	diag_free(&d);
	model_free(&m);
	model_free(&again);
}

static void what_is_not_written_has_its_default(void **state)
{
	struct model m = good_config("service s { address 192.0.2.1; port tcp 80; forward ipip\n"
				     "backend b 10.0.0.1 }");
	const struct service *s = &m.services[0];

	(void)state;
	assert_int_equal(s->addrs[0].length, 128);
	assert_int_equal(s->ports[0].proto, IPPROTO_TCP);
	assert_int_equal(s->ports[0].first, 80);
	assert_int_equal(s->ports[0].last, 80);
	assert_int_equal(s->hash, WEIR_HASH_TUPLE);
	assert_int_equal(s->track, WEIR_TRACK_MOVED);
	assert_int_equal(s->udp, WEIR_UDP_RING);
	assert_int_equal(s->settle_s, 3600);
	assert_int_equal(s->mss_mode, MSS_OFF);
	assert_int_equal(s->syncookie, SYNCOOKIE_OFF);
	assert_int_equal(s->empty, WEIR_EMPTY_DROP);
	assert_false(s->allow.present);
	assert_int_equal(s->limit.per_s, 0);
	assert_int_equal(s->limit_source.per_s, 0);
	assert_int_equal(s->backends[0].weight, 1);
	assert_int_equal(s->backends[0].port, 0);
	assert_null(s->backends[0].host);
	model_free(&m);
}

static void a_service_finds_its_backends(void **state)
{
	struct model m = good_config(everything);
	size_t count;

	(void)state;
	assert_ptr_equal(service_backends(&m, &m.services[0], &count), m.pools[0].backends);
	assert_int_equal(count, 3);
	assert_ptr_equal(service_backends(&m, &m.services[1], &count), m.services[1].backends);
	assert_int_equal(count, 2);
	assert_int_equal(model_groups_count(&m), 5);
	assert_true(model_group(&m, 0).is_pool);
	assert_int_equal(model_group(&m, 1).backends_count, 0);
	assert_string_equal(model_group(&m, 3).name, "dns");
	assert_false(backend_has_addr(&m.pools[0].backends[2]));
	assert_true(backend_has_addr(&m.pools[0].backends[1]));
	model_free(&m);
}

static void limits_are_told_apart(void **state)
{
	struct model m = good_config(everything);
	const struct service *s = &m.services[0];

	(void)state;
	assert_int_equal(s->limit.rate, 10000);
	assert_int_equal(s->limit.burst, 20000);
	assert_false(s->limit.per_saddr);
	assert_int_equal(s->limit_source.rate, 20);
	assert_int_equal(s->limit_source.v6_bits, 64);
	assert_true(s->limit_source.per_saddr);
	model_free(&m);
}

/* Words of the example, and others that make another model. */
static const char *const differences[][2] = {
	{ "203.0.113.0/28", "203.0.113.0/29" },
	{ "8000-8999", "8000-8998" },
	{ "port tcp any", "port tcp 1-65535" },
	{ "port any", "port udp any" },
	{ "gue checksum", "gue" },
	{ "gue checksum", "ipip" },
	{ "source 10.0.0.1,", "source 10.0.0.9," },
	{ "source { 10.0.0.2, 10.0.0.3 }", "source { 10.0.0.3, 10.0.0.2 }" },
	{ "source/24/64", "source/25/64" },
	{ "source/24/64", "source/24/65" },
	{ "source/24/64", "tuple" },
	{ "track all", "track moved" },
	{ "udp quic", "udp ring" },
	{ "udp track 30s", "udp track 31s" },
	{ "settle 90m", "settle 91m" },
	{ "mss auto", "mss 1300" },
	{ "mss 1400", "mss 1401" },
	{ "192.0.2.200,", "192.0.2.201," },
	{ ", @partners }", " }" },
	{ "burst 20000", "burst 20001" },
	{ "limit 20/second", "limit 21/second" },
	{ "per saddr/32/64", "per saddr/32/63" },
	{ "above 1000/s", "above 1001/s" },
	{ "syncookie always", "syncookie above 1/s" },
	{ "empty reject", "empty drop" },
	{ "weight 10 quic-id 1\n", "weight 10 quic-id 3\n" },
	{ "weight 0", "weight 1" },
	{ "b3.example.net", "b4.example.net" },
	{ "a2:8443", "a2:8444" },
	{ "10.0.8.1:8443", "10.0.8.1" },
	{ "{ return }", "{ tc }" },
	{ "pool web-servers {", "pool spare { backend x 10.9.9.9 }; pool web-servers {" },
};

static void a_model_differs_from_one_with_another_word(void **state)
{
	struct model m = good_config(everything);

	(void)state;
	for (size_t i = 0; i < COUNT(differences); i++) {
		const char *at = strstr(everything, differences[i][0]);
		char text[sizeof(everything) + 64];
		struct model other;

		assert_non_null(at);
		snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - everything), everything,
			 differences[i][1], at + strlen(differences[i][0]));
		other = good_config(text);
		if (model_equal(&m, &other))
			fail_msg("\"%s\" makes no difference", differences[i][1]);
		model_free(&other);
	}
	model_free(&m);
}

static void a_stored_host_has_its_address_beside_it(void **state)
{
	struct model m = good_config(everything), again = { 0 };
	struct backend *hosts[] = { &m.pools[0].backends[2], &m.services[1].backends[1] };
	struct diags d = { 0 };
	char *text;

	(void)state;
	for (size_t i = 0; i < COUNT(hosts); i++)
		number_addr(V4_FIRST + 0x0a000901 + i, hosts[i]->addr);
	text = print_config(&m, MODEL_PRINT_STORED);
	assert_non_null(strstr(text, "    backend b3 b3.example.net weight 1 quic-id 65535 drain "
				     "resolved 10.0.9.1\n"));
	if (model_parse("stored", text, strlen(text), MODEL_FILES_STORED, &d, &again))
		fail_msg("%s", first_message(&d));
	assert_true(model_equal(&m, &again));
	free(text);
	text = print_config(&m, MODEL_PRINT_USER);
	assert_string_equal(text, everything_printed);
	free(text);
	diag_free(&d);
	model_free(&m);
	model_free(&again);
}

/* Accepted or refused; what counts is that the sanitizers are silent. */
static void parse_only(const char *text, size_t size)
{
	struct diags d = { 0 };
	struct model m = { 0 };
	int err = parse_config(text, size, &d, &m);

	assert_int_equal(err, d.errors ? -EINVAL : 0);
	diag_free(&d);
	model_free(&m);
}

static void services_cut_at_any_byte_do_no_harm(void **state)
{
	(void)state;
	for (size_t size = 0; size < sizeof(everything); size++)
		parse_only(everything, size);
}

static void mutated_services_do_no_harm(void **state)
{
	static const char *const pieces[] = {
		"{",	  "}",	      "\n",	   ";",	   "\"",	"$office",
		"@x",	  ",",	      "any",	   "::/1", "0/0",	"tcp ",
		"udp ",	  ":0",	      "[::1]:",	   "-",	   "limit ",	"above ",
		"track ", "backend ", "resolved ", "auto", "backends ", "ffff::",
	};
	char text[sizeof(everything)];

	(void)state;
	random_start();
	for (int i = 0; i < MUTATIONS; i++) {
		memcpy(text, everything, sizeof(everything));
		parse_only(text, mutate(text, sizeof(everything) - 1, pieces, COUNT(pieces)));
	}
}

/* Services that share an address and do not get in each other's way. */
static void narrower_services_may_lie_in_wider_ones(void **state)
{
	static const char *const texts[] = {
		"port any }",	    "port tcp any }",		"port udp any }",
		"port tcp 80-90 }", "port tcp 81, tcp 83-85 }", "port tcp 84 }",
	};
	char text[1000] = "";
	struct model m;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		size_t used = strlen(text);

		snprintf(text + used, sizeof(text) - used,
			 "service s%zu { address 192.0.2.1; forward ipip; backend b 10.0.0.1; %s\n",
			 i, texts[i]);
	}
	m = good_config(text);
	assert_int_equal(m.services_count, COUNT(texts));
	model_free(&m);
	m = good_config("service a { address 192.0.2.0/24; port tcp 80; forward l2 }\n"
			"service b { address 192.0.2.0/25; port tcp 80; forward l2 }\n"
			"service c { address 192.0.2.1; port tcp 80; forward l2 }\n"
			"service d { address ::/1; port tcp 80; forward l2 }\n");
	model_free(&m);
}

/* The first warning of a configuration that is accepted. */
static void what_is_hardly_meant_is_warned_of(void **state)
{
	static const char *const cases[][2] = {
		{ everything, "" },
		{ "interface e { balance }; pool p { backend b 10.0.0.1 }\n"
		  "service s { address 192.0.2.1; port tcp 80; forward l2; backend b 10.0.0.1 }",
		  "1:31: warning: no service uses pool p; write \"backends p\" in one" },
		{ "interface e { balance }; pool p { }\n"
		  "service s { address 192.0.2.1; port tcp 80; forward l2; backends p }",
		  "2:9: warning: service s has no backend, so its packets are dropped; add "
		  "\"backend "
		  "NAME ADDR\"" },
		{ "interface e { balance }\n"
		  "service s { address 192.0.2.1; port tcp 80; forward l2; empty reject\n"
		  " backend b 10.0.0.1 drain; backend c 10.0.0.2 weight 0 }",
		  "2:9: warning: all backends of service s are drained or have weight 0, so new "
		  "flows "
		  "are rejected; give one a weight" },
		{ "interface e { balance }\n"
		  "service s { address 192.0.2.1; port any; forward l2\n"
		  " backend b 10.0.0.1 quic-id 7 }",
		  "3:10: warning: backend b has a quic-id, which service s does not look at; add "
		  "\"udp quic\"" },
		{ "interface e { balance }\n"
		  "service s { address 192.0.2.1; port tcp 53, udp 53; forward l2; limit 5/s\n"
		  " backend b 10.0.0.1 }",
		  "2:65: warning: service s remembers no flows of UDP, so \"limit\" counts its TCP "
		  "alone; write \"udp track 30s\" to limit UDP as well" },
		{ "interface e { balance }\n"
		  "service s { address 192.0.2.1; port tcp 53, udp 53; forward nat; limit 5/s\n"
		  " settle 5m; backend b 10.0.0.1 }",
		  "" },
		{ "interface e { balance }\n"
		  "service s { address 192.0.2.1; port udp 53; forward l2; limit 5/s\n"
		  " udp track 30s; backend b 10.0.0.1 }",
		  "" },
		{ "interface e { balance }\n"
		  "service s { address 192.0.2.1; port tcp any; forward local; backend b 10.0.0.1 "
		  "}",
		  "2:9: warning: service s forwards locally, but no interface has \"return\", so "
		  "answers would keep the backend's address; write it in the backends' host-side "
		  "veth" },
		{ "interface e { return }", "1:11: warning: interface e has \"return\", but no "
					    "service has \"forward local\"" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct diags d = { 0 };
		struct model m = { 0 };

		assert_int_equal(parse_config(cases[i][0], strlen(cases[i][0]), &d, &m), 0);
		if (strcmp(first_message(&d), cases[i][1]) != 0)
			fail_msg("%s\ngave   %s\nwanted %s", cases[i][0], first_message(&d),
				 cases[i][1]);
		diag_free(&d);
		model_free(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_statement_prints_in_canonical_form),
		cmocka_unit_test(what_is_not_written_has_its_default),
		cmocka_unit_test(a_service_finds_its_backends),
		cmocka_unit_test(limits_are_told_apart),
		cmocka_unit_test(a_model_differs_from_one_with_another_word),
		cmocka_unit_test(a_stored_host_has_its_address_beside_it),
		cmocka_unit_test(services_cut_at_any_byte_do_no_harm),
		cmocka_unit_test(mutated_services_do_no_harm),
		cmocka_unit_test(narrower_services_may_lie_in_wider_ones),
		cmocka_unit_test(what_is_hardly_meant_is_warned_of),
	};

	return WEIR_RUN(tests);
}
