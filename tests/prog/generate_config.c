// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generate.h"
#include "generate_values.h"

#define SETS 2
#define FEW_RULES 5 /* one more than have a short way */

static void print_prefix(FILE *out, struct address *a)
{
	static const __u8 v4_lengths[] = { 0, 1, 8, 24, 29, 30, 31, 32 };
	static const __u8 v6_lengths[] = { 0, 1, 3, 32, 64, 65, 80, 96, 125, 126, 127, 128 };
	__u32 length = a->family == V4 ? GENERATE_PICK(v4_lengths) : GENERATE_PICK(v6_lengths);

	for (__u32 bit = length; bit < 128; bit++)
		a->bytes[bit / 8] &= ~(0x80 >> bit % 8);
	address_write(a);
	fprintf(out, "%s/%u", a->text, length);
}

static void print_address_value(FILE *out, enum family family)
{
	struct address a, b;

	random_address(&a, family);
	random_address(&b, family);
	if (generate_one_in(3)) {
		fprintf(out, "%s", a.text);
	} else if (generate_one_in(2)) {
		print_prefix(out, &a);
	} else if (memcmp(a.bytes, b.bytes, 16) < 0) {
		fprintf(out, "%s-%s", a.text, b.text);
	} else {
		fprintf(out, "%s-%s", b.text, a.text);
	}
}

/* Values of both families when @family is MIXED. */
static void print_addresses(FILE *out, enum family family)
{
	__u32 count = 1 + generate_below(4);

	fprintf(out, "{ ");
	for (__u32 i = 0; i < count; i++) {
		print_address_value(out, family == MIXED ? V4 : family);
		fprintf(out, ", ");
	}
	print_address_value(out, family == MIXED ? V6 : family);
	fprintf(out, " }");
}

static void print_ports(FILE *out)
{
	__u32 count = 1 + generate_below(5);

	fprintf(out, "{ ");
	for (__u32 i = 0; i < count; i++) {
		__u16 a = value_port(), b = value_port();

		if (i)
			fprintf(out, ", ");
		if (a <= b && generate_one_in(2))
			fprintf(out, "%u-%u", a, b);
		else
			fprintf(out, "%u", b);
	}
	fprintf(out, " }");
}

static const char *negation(void)
{
	return generate_one_in(4) ? "!= " : "";
}

static void print_address_match(FILE *out, const char *field, enum family family, bool has_ports)
{
	/* the last one has ports, and is refused beside protocols that have none */
	static const char *const sets[] = { "nets", "hosts", "servers" };

	fprintf(out, " %s %s", field, negation());
	if (family == MIXED && generate_one_in(2))
		fprintf(out, "@%s%u", sets[generate_below(has_ports ? 3 : 2)],
			generate_below(SETS));
	else
		print_addresses(out, family);
}

static void print_port_match(FILE *out, const char *field)
{
	fprintf(out, " %s %s", field, negation());
	if (generate_one_in(4))
		fprintf(out, "@ports%u", generate_below(SETS));
	else if (generate_one_in(4))
		fprintf(out, "{ @ports%u, %u }", generate_below(SETS), value_port());
	else
		print_ports(out);
}

static void print_type_match(FILE *out)
{
	fprintf(out, " type %s{ %u, %u-255 }", negation(), value_icmp_type(),
		generate_below(5) * 50);
	if (generate_one_in(2))
		fprintf(out, " code %s{ %u, %u-254 }", negation(), value_icmp_code(),
			generate_below(5) * 50);
}

/* Returns whether the protocols have ports. */
static bool print_protocol_matches(FILE *out)
{
	static const char *const with_ports[] = {
		"", "tcp", "udp", "proto sctp", "proto { tcp, udp }", "proto != icmp", "proto 6-136"
	};
	static const char *const with_types[] = { "icmp", "icmpv6", "proto { icmp, icmpv6 }" };
	static const char *const without[] = { "", "proto { 0, 4, 41, 59 }", "proto != { tcp, 58 }",
					       "proto gre" };
	static const char *const flags[] = { "syn",	"syn/syn,ack",
					     "ack",	"fin,syn/fin,syn",
					     "rst/rst", "syn,ack/syn,ack,fin,rst" };

	switch (generate_below(4)) {
	case 0:
		fprintf(out, " %s", GENERATE_PICK(with_types));
		if (generate_one_in(2))
			print_type_match(out);
		return false;
	case 1:
		fprintf(out, " %s", GENERATE_PICK(without));
		return false;
	case 2:
		fprintf(out, " tcp flags %s%s", negation(), GENERATE_PICK(flags));
		if (generate_one_in(2))
			print_port_match(out, "dport");
		return true;
	default:
		fprintf(out, " %s", GENERATE_PICK(with_ports));
		if (generate_one_in(2))
			print_port_match(out, "sport");
		if (generate_one_in(2))
			print_port_match(out, "dport");
		return true;
	}
}

static void print_mac(FILE *out, __u64 mac)
{
	for (int shift = 40; shift >= 0; shift -= 8)
		fprintf(out, "%02x%s", (__u8)(mac >> shift), shift ? ":" : "");
}

static void print_mac_match(FILE *out, const char *field)
{
	static const __u8 lengths[] = { 1, 8, 24, 32, 40, 47, 48 };
	__u8 length = GENERATE_PICK(lengths);

	fprintf(out, " %s %s{ ", field, negation());
	print_mac(out, value_mac());
	fprintf(out, ", ");
	print_mac(out, value_mac() >> (48 - length) << (48 - length));
	fprintf(out, "/%u }", length);
}

/* A few values, or a comparison with one that is not the end of them all. */
static void print_number_match(FILE *out, const char *field, __u32 a, __u32 b)
{
	static const char *const comparisons[] = { ">=", "<=" };

	if (a > b)
		print_number_match(out, field, b, a);
	else if (generate_one_in(3))
		fprintf(out, " %s %s %u", field, GENERATE_PICK(comparisons), b);
	else if (generate_one_in(2))
		fprintf(out, " %s %s%u-%u", field, negation(), a, b);
	else
		fprintf(out, " %s %s{ %u, %u }", field, negation(), a, b);
}

/* A type that no IP packet has is refused beside what only those have. */
static void print_type(FILE *out, bool is_alone)
{
	__u16 type = value_ethertype();

	if (is_alone)
		fprintf(out, " ethertype %s0x%04x", negation(), type);
	else if (generate_one_in(2))
		fprintf(out, " ethertype != 0x%04x", TYPE_ARP);
	else
		fprintf(out, " ethertype { ip, ip6, 0x%04x }", type);
}

/* Conditions that make a rule judge frames that are not IP, too; @is_alone: and no others. */
static void print_frame_matches(FILE *out, bool is_alone)
{
	__u32 sure = generate_below(4);

	if (sure == 0 || generate_one_in(4))
		print_type(out, is_alone);
	if (sure == 1 || generate_one_in(8))
		print_mac_match(out, "smac");
	if (sure == 2 || generate_one_in(8))
		print_mac_match(out, "dmac");
	if (sure == 3 || generate_one_in(4))
		fprintf(out, " vlan %s{ %u, %u }", negation(), value_vlan(), value_vlan());
}

static void print_header_matches(FILE *out)
{
	static const char *const interfaces[] = {
		GENERATE_DEVICE,      "t?st",	"eth*",	     "{ eth0, te* }", "!= " GENERATE_DEVICE,
		"!= { eth0, veth* }", "@lans0", "!= @lans1",
	};

	if (generate_one_in(6))
		print_number_match(out, "length", value_length(), value_length());
	if (generate_one_in(6))
		print_number_match(out, "ttl", value_ttl(), value_ttl());
	if (generate_one_in(6))
		print_number_match(out, "dscp", value_dscp(), value_dscp());
	if (generate_one_in(8))
		fprintf(out, " %sfragment", generate_one_in(2) ? "not " : "");
	if (generate_one_in(12))
		fprintf(out, " %sestablished", generate_one_in(4) ? "" : "not ");
	if (generate_one_in(10))
		fprintf(out, " interface %s", GENERATE_PICK(interfaces));
}

static void print_action(FILE *out)
{
	static const char *const actions[] = {
		"pass",
		"pass",
		"drop",
		"drop",
		"count",
		"count",
		"mark 0x%x",
		"log sample 1/%u",
		"limit 1000000000/s burst 16777216",
		"limit 1000000000/s burst 16777216 per saddr",
		"limit 1000000000/s burst 16777216 per saddr/24/64",
	};

	fprintf(out, GENERATE_PICK(actions), 1 + generate_below(1000));
}

static void print_rule(FILE *out, __u32 number)
{
	bool has_ports = true;
	enum family family = generate_below(3);

	fprintf(out, "\trule r%u ", number);
	print_action(out);
	if (generate_one_in(10)) {
		print_frame_matches(out, true);
		fprintf(out, "\n");
		return;
	}
	if (!generate_one_in(4))
		has_ports = print_protocol_matches(out);
	if (generate_one_in(3))
		print_address_match(out, "saddr", family, has_ports);
	if (generate_one_in(3))
		print_address_match(out, "daddr", family, has_ports);
	if (generate_one_in(2))
		print_header_matches(out);
	if (generate_one_in(6))
		print_frame_matches(out, false);
	fprintf(out, "\n");
}

/* Of sets of addresses alone, for which the datapath has a short way. */
static void print_set_rule(FILE *out, __u32 number)
{
	fprintf(out, "\trule r%u %s %s %s@%s%u\n", number, generate_one_in(2) ? "pass" : "drop",
		generate_one_in(2) ? "saddr" : "daddr", negation(),
		generate_one_in(2) ? "nets" : "hosts", generate_below(SETS));
}

/* Single addresses, pairs, and names. */
static void print_hosts(FILE *out, __u32 number)
{
	static const char *const names[] = { GENERATE_DEVICE, "eth0", "te", GENERATE_DEVICE "0" };
	struct address a;

	fprintf(out, "set hosts%u { type address; elements {", number);
	for (__u32 i = 0; i < 6; i++) {
		random_address(&a, i % 2);
		fprintf(out, "%s %s", i ? "," : "", a.text);
	}
	fprintf(out, " } }\nset servers%u { type address+port; elements {", number);
	for (__u32 i = 0; i < 100; i++) {
		random_address(&a, i % 2);
		fprintf(out, i % 2 ? "%s [%s]:%u" : "%s %s:%u", i ? "," : "", a.text, value_port());
	}
	fprintf(out, " } }\nset lans%u { type interface; elements { %s, veth%u } }\n", number,
		GENERATE_PICK(names), number);
}

char *generate_config(__u32 rules)
{
	bool are_of_sets = generate_one_in(4);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		abort();
	for (__u32 i = 0; i < SETS; i++) {
		print_hosts(out, i);
		fprintf(out, "set nets%u { type prefix; elements ", i);
		print_addresses(out, MIXED);
		fprintf(out, " }\nset ports%u { type port; elements ", i);
		print_ports(out);
		fprintf(out, " }\n");
	}
	fprintf(out, "interface " GENERATE_DEVICE " { xdp auto; filter f }\nfilter f {\n");
	if (generate_one_in(2))
		fprintf(out, "\tdefault drop\n");
	rules = generate_below(are_of_sets ? FEW_RULES + 1 : rules + 1);
	for (__u32 i = 0; i < rules; i++) {
		if (are_of_sets)
			print_set_rule(out, i);
		else
			print_rule(out, i);
	}
	fprintf(out, "}\n");
	fclose(out);
	return text;
}
