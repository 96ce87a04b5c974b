// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The JSON twin: nothing is lost, and it refuses what the text refuses.
 */
#include <errno.h>
#include <string.h>

#include "config_text.h"
#include "random_model.h"

#define ROUND_TRIPS 300
#define MUTATIONS 2000

static char *print_json(const struct model *m)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	model_print_json(m, out);
	fclose(out);
	return text;
}

static void a_model_survives_the_way_through_json(void **state)
{
	(void)state;
	random_start();
	for (int i = 0; i < ROUND_TRIPS; i++) {
		struct model m = random_model(), again = { 0 };
		char *text = print_json(&m);
		struct diags d = { 0 };

		if (model_parse_json("twin", text, strlen(text), &d, &again))
			fail_msg("%s\nrefused: %s", text, first_message(&d));
		assert_true(model_equal(&m, &again));
		free(text);
		diag_free(&d);
		model_free(&m);
		model_free(&again);
	}
}

static void text_and_json_give_the_same_model(void **state)
{
	static const char json[] =
		"{\"interfaces\":[{\"name\":\"eth0\",\"filter\":\"f\",\"filter_egress\":\"f\","
		"\"balance\":true,\"decap\":"
		"false}],"
		"\"sets\":[{\"name\":\"s\",\"type\":\"port\",\"elements\":[25,\"80-90\"]}],"
		"\"filters\":[{\"name\":\"f\",\"rules\":["
		" {\"name\":\"a\",\"action\":\"drop\",\"proto\":\"tcp\",\"dport\":22},"
		" {\"name\":\"b\",\"action\":\"pass\",\"saddr\":{\"not\":true,\"in\":[\"10.0.0.0/"
		"8\"]},"
		"  \"dport\":[\"@s\",53]},"
		" {\"name\":\"c\",\"action\":\"count\",\"flags\":\"syn/syn,ack\"},"
		" {\"name\":\"d\",\"action\":\"drop\",\"type\":\"echo-request\",\"proto\":\"icmp\"}"
		","
		"{\"name\":\"e\",\"action\":\"limit\",\"limit\":{\"rate\":5,\"per_s\":60,\"burst\":"
		"9,"
		"\"per\":\"saddr/24/64\"},\"fragment\":true,\"established\":false},"
		"{\"name\":\"f\",\"action\":\"limit\",\"limit\":{\"rate\":5},\"length\":\"513-"
		"65575\"},"
		"{\"name\":\"g\",\"action\":\"log\",\"expr\":\"ip proto \\\\tcp\"},"
		"{\"name\":\"h\",\"action\":\"log\",\"sample\":7,"
		"\"expr\":{\"not\":true,\"in\":[\"udp\"]}},"
		"{\"name\":\"i\",\"action\":\"mark\",\"mark\":16,\"ethertype\":[\"arp\",2048,"
		"\"0x1234\"]},"
		"{\"name\":\"j\",\"action\":\"mark\",\"mark\":\"0x20\","
		"\"interface\":{\"not\":true,\"in\":[\"eth0\",\"veth*\"]}},"
		"{\"name\":\"k\",\"action\":\"reject\",\"smac\":\"02:00:00:00:00:00/24\"}"
		"]}],"
		"\"services\":[{\"name\":\"w\",\"address\":\"192.0.2.1\",\"forward\":\"l2\","
		" \"port\":[{\"proto\":\"tcp\",\"port\":80}],"
		" \"backends\":[{\"name\":\"b\",\"address\":\"10.0.0.1\",\"drain\":true}]}]}";
	struct model want = good_config("interface eth0 { filter f; filter f egress; balance }\n"
					"set s { type port; elements { 25, 80-90 } }\n"
					"filter f {\n"
					" rule a drop tcp dport 22\n"
					" rule b pass saddr != 10.0.0.0/8 dport { @s, 53 }\n"
					" rule c count flags syn/syn,ack\n"
					" rule d drop icmp type echo-request\n"
					" rule e limit 5/m burst 9 per saddr/24/64 fragment "
					"not established\n"
					" rule f limit 5/s length > 512\n"
					" rule g log expr \"ip proto \\tcp\"\n"
					" rule h log sample 1/7 not expr \"udp\"\n"
					" rule i mark 16 ethertype { ip, arp, 0x1234 }\n"
					" rule j mark 0x20 interface != { eth0, veth* }\n"
					" rule k reject smac 02:00:00:00:00:00/24 }\n"
					"service w { address 192.0.2.1; port tcp 80; forward l2\n"
					" backend b 10.0.0.1 drain }\n");
	struct diags d = { 0 };
	struct model got = { 0 };

	(void)state;
	if (model_parse_json("twin", json, sizeof(json) - 1, &d, &got))
		fail_msg("%s", first_message(&d));
	assert_true(model_equal(&want, &got));
	diag_free(&d);
	model_free(&want);
	model_free(&got);
}

static void services_in_json_are_those_in_text(void **state)
{
	static const char json[] =
		"{\"interfaces\":[{\"name\":\"veth0\",\"return\":true}],"
		"\"pools\":[{\"name\":\"p\",\"backends\":["
		" {\"name\":\"b\",\"address\":\"b.example.net\",\"weight\":0,\"quic_id\":7}]}],"
		"\"services\":[{\"name\":\"w\",\"address\":[\"192.0.2.0/28\"],\"forward\":\"gue\","
		" \"checksum\":true,\"source\":\"10.0.0.1\",\"mss\":\"auto\","
		" \"hash\":\"source/24/"
		"64\",\"track\":\"all\",\"udp\":\"track\",\"udp_idle\":\"30s\","
		" \"settle\":\"5m\",\"allow\":[\"10.0.0.0/8\"],\"syncookie\":1000,"
		" \"limits\":[{\"rate\":5},{\"rate\":2,\"burst\":9,\"per\":\"saddr/24/64\"}],"
		" \"empty\":\"reject\",\"pool\":\"p\","
		" \"port\":[{\"proto\":\"tcp\",\"port\":\"8000-8999\"},{\"proto\":\"udp\",\"port\":"
		"\"any\"}]},"
		"{\"name\":\"v\",\"address\":\"192.0.2.99\",\"forward\":\"l2\",\"syncookie\":"
		"\"always\","
		" \"mss\":1400,\"port\":[{\"proto\":\"any\"}],"
		" \"backends\":[{\"name\":\"b\",\"address\":\"10.0.0.9\"}]}]}";
	struct model want =
		good_config("interface veth0 { return }; pool p { backend b b.example.net weight 0 "
			    "quic-id 7 }\n"
			    "service w { address 192.0.2.0/28; port tcp 8000-8999, udp any; "
			    "forward gue checksum\n"
			    " source 10.0.0.1; mss auto; hash source/24/64; track all; udp track "
			    "30s; settle 5m\n"
			    " allow 10.0.0.0/8; syncookie above 1000/s; limit 5/s\n"
			    " limit 2/s burst 9 per saddr/24/64; empty reject; backends p }\n"
			    "service v { address 192.0.2.99; port any; forward l2; syncookie "
			    "always; mss 1400\n"
			    " backend b 10.0.0.9 }");
	struct diags d = { 0 };
	struct model got = { 0 };

	(void)state;
	if (model_parse_json("twin", json, sizeof(json) - 1, &d, &got))
		fail_msg("%s", first_message(&d));
	assert_true(model_equal(&want, &got));
	diag_free(&d);
	model_free(&want);
	model_free(&got);
}

#define SERVICE_JSON                                                                     \
	"{\"services\":[{\"name\":\"w\",\"address\":\"192.0.2.1\",\"forward\":\"ipip\"," \
	"\"port\":[{\"proto\":\"tcp\",\"port\":80}],"

static const struct {
	const char *json, *message;
} mistakes[] = {
	{ SERVICE_JSON "\"allow\":[]}]}",
	  "services[0].allow: the list of allow is empty; name a source" },
	{ SERVICE_JSON "\"checksum\":true}]}",
	  "services[0].checksum: \"checksum\" is gue's; forward ipip has none to choose" },
	{ SERVICE_JSON "\"udp_idle\":\"5s\"}]}",
	  "services[0].udp_idle: only \"udp\": \"track\" has a time; leave it out" },
	{ SERVICE_JSON "\"udp\":\"quic\"}]}",
	  "services[0].udp: \"udp\" is for UDP, and service w has no port of it; leave it out" },
	{ SERVICE_JSON "\"limits\":[{\"rate\":5},{\"rate\":6}]}]}",
	  "services[0].limits[1]: service w has a limit of all its connections twice; keep one" },
	{ SERVICE_JSON "\"syncookie\":-1}]}",
	  "services[0].syncookie: unknown time for SYN cookies \"-1\"; times are above, always" },
	{ SERVICE_JSON "\"pool\":\"x\"}]}",
	  "services[0].pool: pool x is not defined; add \"pool x { ... }\"" },
	{ SERVICE_JSON "\"backends\":[{\"name\":\"b\",\"address\":\"10.0.0.1:80\"}]}]}",
	  "services[0].backends[0].name: backend b has port 80, and forward ipip of service w "
	  "changes no port; leave the port out, or write \"forward nat\" or \"forward local\"" },
	{ "{\"services\":[{\"name\":\"w\",\"address\":\"192.0.2.1\",\"forward\":\"l2\","
	  "\"port\":[{\"proto\":\"any\",\"port\":80}]}]}",
	  "services[0].port[0].port: protocol any is every port; leave out \"port\", or write "
	  "\"tcp\"" },
	{ "{\"pools\":[{\"name\":\"p\",\"backends\":[{\"name\":\"b\"}]}]}",
	  "pools[0].backends[0]: \"address\" is missing; add it" },
	{ "{", "1:1: this is no valid JSON: string or '}' expected near end of file" },
	{ "", "1:1: this is no valid JSON: '[' or '{' expected near end of file" },
	{ "{\"sets\":[],\"sets\":[]}",
	  "1:17: this is no valid JSON: duplicate object key near '\"sets\"'" },
	{ "[]", "0:0: this is a list; write an object" },
	{ "{\"fliters\":[]}", "0:0: unknown key \"fliters\"; keys are interfaces, sets, filters, "
			      "pools, services, latency | did "
			      "you mean \"filters\"?" },
	{ "{\"filters\":{}}", "filters: this is an object; write a list" },
	{ "{\"filters\":[7]}", "filters[0]: this is an integer; write an object" },
	{ "{\"filters\":[{}]}", "filters[0]: \"name\" is missing; add it" },
	{ "{\"filters\":[{\"name\":\"f\",\"default\":true}]}",
	  "filters[0].default: this is true or false; write a string" },
	{ "{\"filters\":[{\"name\":\"f\",\"rules\":[{\"name\":\"r\",\"action\":\"pass\","
	  "\"dport\":"
	  "[22,\"80x\"]}]}]}",
	  "filters[0].rules[0].dport: \"80x\" is no port; write a number from 0 to 65535" },
	{ "{\"filters\":[{\"name\":\"f\",\"rules\":[{\"name\":\"r\",\"action\":\"pass\","
	  "\"dport\":"
	  "-1}]}]}",
	  "filters[0].rules[0].dport: \"-1\" is no port; write a number from 0 to 65535" },
	{ "{\"filters\":[{\"name\":\"f\",\"rules\":[{\"name\":\"r\",\"action\":\"pass\","
	  "\"dport\":"
	  "[]}]}]}",
	  "filters[0].rules[0].dport: the list of dport is empty; name a value" },
	{ "{\"filters\":[{\"name\":\"f\",\"rules\":[{\"name\":\"r\",\"action\":\"pass\","
	  "\"dport\":"
	  "1.5}]}]}",
	  "filters[0].rules[0].dport: this is a fraction; write a string" },
	{ "{\"filters\":[{\"name\":\"f\",\"rules\":[{\"name\":\"r\",\"action\":\"jump\"}]}]"
	  "}",
	  "filters[0].rules[0].action: unknown action \"jump\"; actions are pass, drop, count, "
	  "reject, limit, log, mark" },
	{ "{\"filters\":[{\"name\":\"f\",\"rules\":[{\"name\":\"r\",\"action\":\"pass\","
	  "\"saddr\":\"@x\"}]}]}",
	  "filters[0].rules[0].saddr: @x is not defined; add \"set x { ... }\"" },
	{ "{\"filters\":[{\"name\":\"f\",\"rules\":[{\"name\":\"r\",\"action\":\"pass\"},"
	  "{\"name\":\"r\",\"action\":\"pass\"}]}]}",
	  "filters[0].rules[1].name: rule r is already on filters[0].rules[0].name; rename "
	  "or "
	  "delete one" },
	{ "{\"filters\":[{\"name\":\"f\",\"rules\":[{\"name\":\"r\",\"action\":\"limit\"}]}]}",
	  "filters[0].rules[0]: \"limit\" is missing; add it" },
	{ "{\"filters\":[{\"name\":\"f\",\"rules\":[{\"name\":\"r\",\"action\":\"mark\"}]}]}",
	  "filters[0].rules[0]: \"mark\" is missing; add it" },
	{ "{\"filters\":[{\"name\":\"f\",\"rules\":[{\"name\":\"r\",\"action\":\"pass\",\"mark\":1}"
	  "]}]}",
	  "filters[0].rules[0].mark: \"mark\" belongs to the action \"mark\"" },
	{ "{\"filters\":[{\"name\":\"f\",\"rules\":[{\"name\":\"r\",\"action\":\"limit\",\"limit\":"
	  "{\"per_s\":1}}]}]}",
	  "filters[0].rules[0].limit: \"rate\" is missing; add a number" },
	{ "{\"filters\":[{\"name\":\"f\",\"rules\":[{\"name\":\"r\",\"action\":\"limit\",\"limit\":"
	  "{\"rate\":-5}}]}]}",
	  "filters[0].rules[0].limit.rate: \"-5/s\" is no rate; write packets per second, minute "
	  "or hour, as in 200/s" },
	{ "{\"filters\":[{\"name\":\"f\",\"rules\":[{\"name\":\"r\",\"action\":\"limit\",\"limit\":"
	  "{\"rate\":5,\"per_s\":2}}]}]}",
	  "filters[0].rules[0].limit.per_s: a rate is per 1, 60 or 3600 seconds; write one" },
	{ "{\"filters\":[{\"name\":\"f\",\"rules\":[{\"name\":\"r\",\"action\":\"limit\",\"limit\":"
	  "{\"rate\":5,\"burst\":0}}]}]}",
	  "filters[0].rules[0].limit.burst: burst 0 is out of range; it goes from 1 to 16777216" },
	{ "{\"filters\":[{\"name\":\"f\",\"rules\":[{\"name\":\"r\",\"action\":\"limit\",\"limit\":"
	  "{\"rate\":5,\"per\":\"daddr\"}}]}]}",
	  "filters[0].rules[0].limit.per: a limit is not kept per \"daddr\"; write \"per saddr\", "
	  "or with the prefix lengths of IPv4 and IPv6 \"per saddr/24/64\"" },
	{ "{\"filters\":[{\"name\":\"f\",\"rules\":[{\"name\":\"r\",\"action\":\"limit\",\"limit\":"
	  "5}]}]}",
	  "filters[0].rules[0].limit: this is an integer; write an object" },
	{ "{\"filters\":[{\"name\":\"f\",\"rules\":[{\"name\":\"r\",\"action\":\"log\",\"sample\":"
	  "0}]}]}",
	  "filters[0].rules[0].sample: \"1/0\" is no sample; write 1/N, as 1/100 for one packet in "
	  "a hundred" },
	{ "{\"filters\":[{\"name\":\"f\",\"rules\":[{\"name\":\"r\",\"action\":\"log\",\"sample\":"
	  "\"1/2\"}]}]}",
	  "filters[0].rules[0].sample: this is a string; write an integer" },
	{ "{\"filters\":[{\"name\":\"f\",\"rules\":[{\"name\":\"r\",\"action\":\"mark\",\"mark\":-"
	  "1}]}]}",
	  "filters[0].rules[0].mark: \"-1\" is no mark; write a number from 0 to 4294967295, "
	  "decimal or as 0x1f" },
	{ "{\"filters\":[{\"name\":\"f\",\"rules\":[{\"name\":\"r\",\"action\":\"pass\","
	  "\"fragment\":1}]}]}",
	  "filters[0].rules[0].fragment: this is an integer; write true or false" },
	{ "{\"filters\":[{\"name\":\"f\",\"rules\":[{\"name\":\"r\",\"action\":\"pass\",\"expr\":["
	  "\"a\",\"b\"]}]}]}",
	  "filters[0].rules[0].expr: expr takes one value; write one string" },
	{ "{\"filters\":[{\"name\":\"f\",\"rules\":[{\"name\":\"r\",\"action\":\"pass\",\"expr\":"
	  "\"a\\nb\"}]}]}",
	  "filters[0].rules[0].expr: an expression has no control characters" },
	{ "{\"filters\":[{\"name\":\"f\",\"rules\":[{\"name\":\"r\",\"action\":\"pass\","
	  "\"interface\":\"@x\"}]}]}",
	  "filters[0].rules[0].interface: @x is not defined; add \"set x { ... }\"" },
	{ "{\"filters\":[{\"name\":\"f\",\"rules\":[{\"name\":\"r\",\"action\":\"pass\",\"smac\":5}"
	  "]}]}",
	  "filters[0].rules[0].smac: \"5\" is no MAC address; write one as 02:00:00:00:00:01, or a "
	  "vendor's as 02:00:00:00:00:00/24" },
	{ "{\"interfaces\":[{\"name\":\"eth0\\u001b[31m\"}]}",
	  "interfaces[0].name: \"eth0?[31m\" has a character that no interface name has" },
	{ "{\"interfaces\":[{\"name\":\"eth0\",\"filter\":\"x\"}]}",
	  "interfaces[0].filter: filter x is not defined; add \"filter x { ... }\"" },
	{ "{\"sets\":[{\"name\":\"s\",\"type\":\"port\",\"elements\":[{}]}]}",
	  "sets[0].elements: this is an object; write a string" },
	{ "{\"sets\":[{\"name\":\"s\",\"type\":\"port\",\"file\":\"/nonexistent/x\"}]}",
	  "sets[0].name: set s: cannot read /nonexistent/x: there is no such file; create "
	  "it or "
	  "correct the name" },
	{ "{\"services\":[{\"name\":\"w\",\"address\":[\"192.0.2.1\"],\"forward\":\"l2\"}]}",
	  "services[0].name: service w has no port; add \"port tcp NUMBER\"" },
	{ "{\"services\":[{\"name\":\"w\",\"address\":[\"192.0.2.1\"],\"forward\":\"l2\","
	  "\"port\":[{\"proto\":\"tcp\",\"port\":80}],\"backends\":[{\"name\":\"b\","
	  "\"address\":"
	  "\"10.0.0.1\",\"weight\":-1}]}]}",
	  "services[0].backends[0].weight: \"-1\" is no weight; write a number from 0 to 256" },
};

static void a_mistake_is_named_by_its_path(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(mistakes); i++) {
		struct diags d = { 0 };
		struct model m = { 0 };
		const char *got;

		assert_int_equal(model_parse_json("twin", mistakes[i].json,
						  strlen(mistakes[i].json), &d, &m),
				 -EINVAL);
		got = first_message(&d);
		if (d.list[0].loc.line == 0 && strncmp(mistakes[i].message, "0:", 2))
			got = strchr(got, ' ') + 1; /* a path stands for line and column */
		if (strcmp(got, mistakes[i].message))
			fail_msg("%s\ngave   %s\nwanted %s", mistakes[i].json, got,
				 mistakes[i].message);
		assert_int_equal(d.errors, 1);
		diag_free(&d);
	}
}

static void json_cut_or_mutated_does_no_harm(void **state)
{
	struct model m = good_config(example_config);
	char *text = print_json(&m);
	size_t size = strlen(text);

	(void)state;
	random_start();
	for (size_t i = 0; i < size + MUTATIONS; i++) {
		size_t bytes = i < size ? i : size;
		char *copy = malloc(bytes + 1);
		struct diags d = { 0 };
		struct model other = { 0 };

		memcpy(copy, text, bytes);
		for (__u32 k = random_below(3); i >= size && k-- > 0;)
			copy[random_below((__u32)size)] = "{}[],:\"@$0x\x1b"[random_below(12)];
		model_parse_json("twin", copy, bytes, &d, &other);
		free(copy);
		diag_free(&d);
		model_free(&other);
	}
	free(text);
	model_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_model_survives_the_way_through_json),
		cmocka_unit_test(text_and_json_give_the_same_model),
		cmocka_unit_test(services_in_json_are_those_in_text),
		cmocka_unit_test(a_mistake_is_named_by_its_path),
		cmocka_unit_test(json_cut_or_mutated_does_no_harm),
	};

	return WEIR_RUN(tests);
}
