// SPDX-License-Identifier: GPL-2.0-or-later
#include "ruleset.h"

#include <stdio.h>
#include <stdlib.h>

#include "ruleset_values.h"

static const char *action(void)
{
	static const char *const actions[] = { "pass", "pass", "drop", "drop", "drop", "count" };

	return GENERATE_PICK(actions);
}

static const char *negation(__u32 one_in)
{
	return generate_one_in(one_in) ? "!= " : "";
}

/* Most name the service, some a range, as access lists do. */
static void print_service(FILE *out)
{
	static const char *const ranges[] = { "1024-65535", "0-1023", "0-65535", "49152-65535" };
	static const __u16 known[] = { 20, 21, 22, 25, 53, 80, 110, 123, 143, 443, 993, 8080 };

	if (generate_one_in(5))
		fprintf(out, "%s", GENERATE_PICK(ranges));
	else if (generate_one_in(6))
		value_print_ports(out);
	else if (generate_one_in(3))
		fprintf(out, "%u", generate_below(65536));
	else
		fprintf(out, "%u", GENERATE_PICK(known));
}

/* Whether the protocol has ports. */
static bool print_protocol(FILE *out, __u32 any_one_in)
{
	static const char *const others[] = { "icmp type 8", "icmpv6 type 128", "proto 47",
					      "proto { 50, 51 }", "proto 89" };

	if (generate_one_in(any_one_in))
		return false;
	if (generate_one_in(8)) {
		fprintf(out, " %s", GENERATE_PICK(others));
		return false;
	}
	fprintf(out, "%s", generate_one_in(4) ? " udp" : " tcp");
	return true;
}

/* Narrow destinations, named services, sources of any width. */
static void print_acl(FILE *out, enum family family)
{
	__u32 start = family == V4 ? 16 : 32;

	fprintf(out, "%s", generate_one_in(4) ? " udp" : " tcp");
	if (!generate_one_in(5))
		value_print_prefix(out, "saddr", family, start, family == V4 ? 32 : 128);
	value_print_prefix(out, "daddr", family, start + 8, family == V4 ? 32 : 128);
	if (!generate_one_in(6)) {
		fprintf(out, " dport ");
		print_service(out);
	}
}

/* Half of the addresses are left open, ports are ranges on both sides. */
static void print_fw(FILE *out, enum family family)
{
	__u32 longest = family == V4 ? 32 : 128;
	bool has_ports = print_protocol(out, 4);

	bool has_source = generate_one_in(2);

	if (has_source)
		value_print_prefix(out, "saddr", family, 0, longest);
	if (generate_one_in(2) || (!has_source && !value_may_be_wide()))
		value_print_prefix(out, "daddr", family, 0, longest);
	if (has_ports && generate_one_in(2)) {
		fprintf(out, " sport ");
		print_service(out);
	}
	if (has_ports && generate_one_in(2)) {
		fprintf(out, " dport ");
		print_service(out);
	}
}

static void print_ipc(FILE *out, enum family family)
{
	if (generate_one_in(3))
		print_fw(out, family);
	else
		print_acl(out, family);
}

static void print_both(FILE *out)
{
	enum family family = generate_below(2);

	switch (generate_below(3)) {
	case 0:
		print_acl(out, family);
		break;
	case 1:
		print_fw(out, family);
		break;
	case 2:
		print_ipc(out, family);
		break;
	}
}

static void print_overlap(FILE *out)
{
	enum family family = generate_below(2);

	value_print_prefix(out, "saddr", family, 0, family == V4 ? 12 : 24);
	value_print_prefix(out, "daddr", family, 0, family == V4 ? 12 : 24);
	fprintf(out, " dport ");
	value_print_port_range(out);
}

static void print_port_rule(FILE *out)
{
	fprintf(out, "%s", generate_one_in(2) ? " tcp" : " proto { tcp, udp, sctp }");
	if (!generate_one_in(3)) {
		fprintf(out, " sport ");
		value_print_port_range(out);
	}
	fprintf(out, " dport ");
	value_print_port_range(out);
}

/* Chains beside each other narrow or widen by a bit a rule, as @rules is odd or not. */
static void print_nested(FILE *out, enum family family, __u32 i, __u32 rules)
{
	__u32 bits = family == V4 ? 32 : 128;
	__u32 chains = (rules + bits) / (bits + 1);
	__u32 length = i / chains, chain = i % chains;

	value_print_chain(out, "saddr", family, chain, rules % 2 ? length : bits - length);
	if (chain % 2)
		value_print_chain(out, "daddr", family, chain, bits - length);
	if (chain % 3 == 1) {
		fprintf(out, " dport ");
		value_print_port_range(out);
	}
}

static void print_list(FILE *out)
{
	__u32 count = 1 + generate_below(200);
	const char *field = generate_one_in(2) ? "saddr" : "daddr";

	fprintf(out, " %s %s{ ", field, value_may_be_wide() ? negation(8) : "");
	for (__u32 i = 0; i < count; i++) {
		value_print_range(out, generate_below(2));
		fprintf(out, ", ");
	}
	fprintf(out, "%s }", generate_one_in(3) ? "@nets" : "192.0.2.1");
	if (generate_one_in(2)) {
		fprintf(out, " dport %s", negation(8));
		value_print_ports(out);
	}
}

static void print_negated(FILE *out)
{
	static const char *const protocols[] = { "tcp", "{ tcp, udp }", "icmp", "0-16", "255" };
	enum family family = generate_below(2);

	if (generate_one_in(2))
		value_print_prefix(out, "saddr !=", family, 1, family == V4 ? 32 : 128);
	if (!value_may_be_wide())
		value_print_prefix(out, "daddr", family, 0, family == V4 ? 32 : 128);
	else if (generate_one_in(2))
		value_print_prefix(out, "daddr !=", family, 1, 32);
	if (generate_one_in(2))
		fprintf(out, " proto != %s", GENERATE_PICK(protocols));
	if (generate_one_in(2)) {
		fprintf(out, " dport != ");
		value_print_ports(out);
	}
	if (generate_one_in(3)) {
		fprintf(out, " sport != ");
		value_print_port_range(out);
	}
}

static void print_exact(FILE *out)
{
	enum family family = generate_below(2);
	__u32 bits = family == V4 ? 32 : 128;

	value_print_prefix(out, generate_one_in(4) ? "daddr" : "saddr", family, bits, bits);
	if (generate_one_in(2))
		fprintf(out, " tcp dport %u", generate_below(65536));
}

static void print_matches(FILE *out, enum ruleset kind, __u32 i, __u32 rules)
{
	switch (kind) {
	case RULESET_ACL4:
	case RULESET_ACL6:
		return print_acl(out, kind == RULESET_ACL4 ? V4 : V6);
	case RULESET_FW4:
	case RULESET_FW6:
		return print_fw(out, kind == RULESET_FW4 ? V4 : V6);
	case RULESET_IPC4:
	case RULESET_IPC6:
		return print_ipc(out, kind == RULESET_IPC4 ? V4 : V6);
	case RULESET_BOTH:
		return print_both(out);
	case RULESET_OVERLAPS:
		return print_overlap(out);
	case RULESET_PORTS:
		return print_port_rule(out);
	case RULESET_IDENTICAL:
		fprintf(out, " tcp saddr 10.0.0.0/8 dport 80-90");
		return;
	case RULESET_NESTED4:
	case RULESET_NESTED6:
		return print_nested(out, kind == RULESET_NESTED4 ? V4 : V6, i, rules);
	case RULESET_COUNTS:
		fprintf(out, "%s", generate_one_in(2) ? "" : " saddr { 0.0.0.0/0, ::/0 }");
		return;
	case RULESET_LISTS:
		return print_list(out);
	case RULESET_NEGATED:
		return print_negated(out);
	case RULESET_EDGES:
		return value_print_edges(out);
	case RULESET_ADJACENT:
		return value_print_adjacent(out, i);
	case RULESET_EXACT:
		return print_exact(out);
	case RULESET_TYPES:
		return value_print_types(out);
	case RULESET_VLANS:
		return value_print_small(out, "vlan", 4096);
	case RULESET_LENGTHS:
		return value_print_small(out, "length", 1400);
	case RULESET_MACS:
		return value_print_mac(out, generate_one_in(4) ? "dmac" : "smac");
	case RULESET_LINK:
		return value_print_link(out);
	case RULESET_FIELDS:
		return value_print_fields(out);
	default:
		return;
	}
}

/* Rules that all match decide last, or nothing after the first is ever asked. */
static const char *action_of(enum ruleset kind, __u32 i, __u32 rules)
{
	if (kind == RULESET_COUNTS || (kind == RULESET_IDENTICAL && i < rules / 2))
		return i + 1 == rules ? "drop" : "count";
	return action();
}

char *ruleset_text(enum ruleset kind, __u32 rules)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		abort();
	value_start(rules);
	value_next(0);
	fprintf(out, "set nets { type prefix; elements { ");
	for (int i = 0; kind == RULESET_LISTS && i < 500; i++) {
		value_print_prefix(out, "", generate_below(2), 24, 32);
		fprintf(out, ", ");
	}
	fprintf(out, "192.0.2.0/31 } }\ninterface " GENERATE_DEVICE " { xdp auto; filter f }\n");
	fprintf(out, "filter f {\n\tdefault %s\n", generate_one_in(2) ? "drop" : "pass");
	for (__u32 i = 0; i < rules; i++) {
		value_next(i);
		fprintf(out, "\trule r%u %s", i, action_of(kind, i, rules));
		print_matches(out, kind, i, rules);
		fprintf(out, "\n");
	}
	fprintf(out, "}\n");
	fclose(out);
	return text;
}
