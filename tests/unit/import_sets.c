// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sets of nft of every type that weir has, too.
 */
#include "import_text.h"

static const char sets[] =
	"table inet t {\n"
	" set a { type ipv4_addr; elements = { 192.0.2.1, 192.0.2.2 } }\n"
	" set a6 { type ipv6_addr; elements = { 2001:db8::1 } }\n"
	" set l { type ifname; elements = { \"eth1\", \"veth0\" } }\n"
	" set p6 { type ipv6_addr . inet_service; elements = { 2001:db8::1 . 443 } }\n"
	" set none { type ipv4_addr; flags dynamic; }\n"
	" chain i { type filter hook input priority 0; policy drop\n"
	"  ip saddr @a accept\n"
	"  ip6 saddr != @a6 tcp dport 22 drop\n"
	"  iifname @l accept\n"
	"  iifname != @l udp dport 53 drop\n"
	"  ip6 daddr . tcp dport @p6 accept\n"
	"  ip6 saddr . tcp dport @p6 accept\n"
	"  ip saddr @none add @none { ip saddr } drop\n"
	" }\n"
	"}\n";

static const char sets_config[] =
	NO_INTERFACE "set a {\n"
		     "    type address\n"
		     "    elements { 192.0.2.1, 192.0.2.2 }\n"
		     "}\n"
		     "\n"
		     "set a6 {\n"
		     "    type address\n"
		     "    elements { 2001:db8::1 }\n"
		     "}\n"
		     "\n"
		     "set l {\n"
		     "    type interface\n"
		     "    elements { eth1, veth0 }\n"
		     "}\n"
		     "\n"
		     "set p6 {\n"
		     "    type address+port\n"
		     "    elements { [2001:db8::1]:443 }\n"
		     "}\n"
		     "\n"
		     "# rules or a timeout changed this set; weir's rules do not\n"
		     "set none {\n"
		     "    type address\n"
		     "    elements {}\n"
		     "}\n"
		     "\n" COMES_IN "    default drop\n"
		     "    rule i-1 pass saddr @a\n"
		     "    rule i-2 drop tcp saddr != @a6 dport 22 ethertype ip6\n"
		     "    rule i-3 pass interface @l\n"
		     "    rule i-4 drop udp dport 53 interface != @l\n"
		     "    rule i-5 pass tcp daddr @p6\n"
		     "    rule i-6 pass tcp saddr 2001:db8::1 dport 443\n"
		     "    rule i-7 drop saddr @none\n"
		     "}\n";

static void sets_come_over_with_their_type(void **state)
{
	(void)state;
	assert_translates(IMPORT_NFT, sets, sets_config, "14 left out");
}

/* Of a set whose pairs were put into rules nothing was left out. */
static void a_set_that_rules_write_out_is_not_left_out(void **state)
{
	char *rules =
		rules_of(IMPORT_NFT, "table inet t {\n"
				     " set allow { type ipv4_addr . inet_service; elements = { "
				     "192.0.2.1 . 80 } }\n"
				     " set soon { type ipv4_addr; flags timeout; elements = { "
				     "192.0.2.7 timeout 1h } }\n"
				     " chain i { type filter hook input priority 0; policy drop\n"
				     "  ip saddr . tcp dport @allow accept\n"
				     "  ip saddr @soon accept\n"
				     " }\n"
				     "}\n");

	(void)state;
	assert_string_equal(rules, "pass tcp saddr 192.0.2.1 dport 80\npass saddr @soon\n"
				   "3: its 1 element with a timeout, which will be gone\n");
	free(rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_set_that_rules_write_out_is_not_left_out),
		cmocka_unit_test(sets_come_over_with_their_type),
	};

	return WEIR_RUN(tests);
}
