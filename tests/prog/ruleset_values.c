// SPDX-License-Identifier: GPL-2.0-or-later
#include "ruleset_values.h"

#include <stdlib.h>
#include <string.h>

#include "ranges.h"

#define MOST_NETWORKS 256

static u128 networks[2][MOST_NETWORKS]; /* from the left, as many bits as the family has */
static __u32 networks_count;
static __u32 rules_count, rule_now;
static bool narrow_first;

static u128 random_u128(void)
{
	return (u128)generate_u64() << 64 | generate_u64();
}

static __u32 bits_of(enum family family)
{
	return family == V4 ? 32 : 128;
}

static u128 leading(__u32 bits)
{
	return bits ? ~(u128)0 << (128 - bits) : 0;
}

void value_start(__u32 rules)
{
	rules_count = rules;
	narrow_first = !generate_one_in(4);
	networks_count = 2;
	while (networks_count < MOST_NETWORKS && networks_count * networks_count < rules)
		networks_count++;
	for (__u32 i = 0; i < networks_count; i++) {
		networks[V4][i] = random_u128();
		networks[V6][i] = (u128)0x20010db8 << 96 | random_u128() >> 32;
	}
}

void value_next(__u32 i)
{
	rule_now = i;
}

bool value_may_be_wide(void)
{
	return !narrow_first || rule_now >= rules_count - rules_count / 10;
}

/* Of @whole bits, how many a prefix here must have: three quarters at first, none at last. */
static __u32 least_bits(__u32 whole)
{
	if (value_may_be_wide())
		return 0;
	return (__u32)((__u64)whole * 3 * (rules_count - rule_now) / rules_count / 4);
}

static void print_address(FILE *out, enum family family, u128 left)
{
	char text[INET6_ADDRSTRLEN];
	__u8 bytes[16];

	number_addr(left, bytes);
	inet_ntop(family == V4 ? AF_INET : AF_INET6, bytes, text, sizeof(text));
	fprintf(out, "%s", text);
}

/* Shares a random number of bits with a network. */
static u128 near_network(enum family family)
{
	u128 left = networks[family][generate_below(networks_count)];
	__u32 shared = generate_below(bits_of(family) + 1);

	if (generate_one_in(2))
		return left;
	return (left & leading(shared)) | (random_u128() & ~leading(shared));
}

static __u32 random_length(enum family family, __u32 shortest, __u32 longest)
{
	static const __u8 usual[2][4] = { { 8, 16, 24, 32 }, { 32, 48, 64, 128 } };
	__u32 length = usual[family][generate_below(4)];
	__u32 least = least_bits(bits_of(family));

	if (shortest < least)
		shortest = least < longest ? least : longest;
	if (generate_one_in(2) && shortest <= length && length <= longest)
		return length;
	return shortest + generate_below(longest - shortest + 1);
}

void value_print_prefix(FILE *out, const char *field, enum family family, __u32 shortest,
			__u32 longest)
{
	__u32 length = random_length(family, shortest, longest);

	fprintf(out, " %s ", field);
	print_address(out, family, near_network(family) & leading(length));
	fprintf(out, "/%u", length);
}

void value_print_chain(FILE *out, const char *field, enum family family, __u32 chain, __u32 length)
{
	fprintf(out, " %s ", field);
	print_address(out, family, networks[family][chain % networks_count] & leading(length));
	fprintf(out, "/%u", length);
}

void value_print_range(FILE *out, enum family family)
{
	__u32 unused = 128 - bits_of(family);
	u128 first = near_network(family) >> unused << unused;
	u128 most = ~(u128)0 - first;
	__u32 least = least_bits(bits_of(family));
	u128 size = random_u128() >>
		    (128 - bits_of(family) + least + generate_below(bits_of(family) - least));

	size = size > most >> unused ? most >> unused : size;
	print_address(out, family, first);
	fprintf(out, "-");
	print_address(out, family, first + (size << unused));
}

void value_print_port_range(FILE *out)
{
	__u32 first = generate_below(65536), last = first;

	if (!generate_one_in(5))
		last += generate_below(generate_one_in(2) ? 65536 - first
							  : 1 + (65535 - first) / 64);
	fprintf(out, "%u-%u", first, last);
}

void value_print_ports(FILE *out)
{
	__u32 count = 1 + generate_below(generate_one_in(4) ? 50 : 4);

	fprintf(out, "{ ");
	for (__u32 i = 0; i < count; i++) {
		if (i)
			fprintf(out, ", ");
		if (generate_one_in(3))
			value_print_port_range(out);
		else
			fprintf(out, "%u", generate_below(65536));
	}
	fprintf(out, " }");
}

static const char *const edges_of_ipv4[] = {
	"0.0.0.0",
	"255.255.255.255",
	"0.0.0.0/0",
	"0.0.0.0/1",
	"128.0.0.0/1",
	"127.255.255.255-128.0.0.0",
	"0.0.0.0-255.255.255.254",
	"0.0.0.1-255.255.255.255",
};

static const char *const edges_of_ipv6[] = {
	"::",
	"::1-::fffe:ffff:ffff",
	"::fffe:ffff:ffff",
	"::1:0:0:0",
	"::1:0:0:0-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	"::/0",
	"::/1",
	"::/64",
	"::/80",
	"8000::/1",
	"0:0:0:1::/64",
	"::ffff:ffff:ffff:ffff-0:0:0:1::",
	"7fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff-8000::",
	"ffff:ffff:ffff:ffff::/64",
	"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	"::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe",
};

void value_print_edges(FILE *out)
{
	static const char *const ports[] = { "0", "65535", "0-65534", "1-65535", "32767-32768" };
	static const char *const fields[] = { "saddr", "daddr" };
	enum family family = generate_below(2);

	for (int i = 0; i < 2; i++) {
		if (!generate_one_in(3))
			fprintf(out, " %s %s%s", fields[i], generate_one_in(6) ? "!= " : "",
				family == V4 ? GENERATE_PICK(edges_of_ipv4)
					     : GENERATE_PICK(edges_of_ipv6));
	}
	if (generate_one_in(2))
		fprintf(out, " dport %s", GENERATE_PICK(ports));
	if (generate_one_in(4))
		fprintf(out, " sport != %s", GENERATE_PICK(ports));
}

/* Ten addresses, then the next ten; by turns of ports in a step of seven, too. */
void value_print_adjacent(FILE *out, __u32 rule)
{
	u128 v4 = (u128)0x0a000000 << 96, v6 = (u128)0x20010db8 << 96;
	enum family family = rule % 2 ? V4 : V6;
	u128 step = (u128)1 << (128 - bits_of(family));
	u128 first = (family == V4 ? v4 : v6) + (rule / 6) * 10 * step;
	__u32 port = rule * 7 % 65520;

	if (rule % 3 != 2) {
		fprintf(out, " %s ", rule % 3 ? "saddr" : "daddr");
		print_address(out, family, first);
		fprintf(out, "-");
		print_address(out, family, first + 9 * step);
	}
	if (rule % 3)
		fprintf(out, " dport %u-%u", port, port + 6);
}

static void print_mac_value(FILE *out)
{
	__u64 mac = (__u64)networks[V6][generate_below(networks_count)] & 0xffffffffffff;
	__u32 least = value_may_be_wide() ? 1 : 24;
	__u32 length = generate_one_in(3) ? least + generate_below(49 - least) : 48;

	if (generate_one_in(3)) /* another maker's, the same card */
		mac ^= (__u64)generate_below(0x10000) << 32;
	mac = mac >> (48 - length) << (48 - length);
	for (int shift = 40; shift >= 0; shift -= 8)
		fprintf(out, "%02x%s", (__u8)(mac >> shift), shift ? ":" : "");
	fprintf(out, "/%u", length);
}

void value_print_mac(FILE *out, const char *field)
{
	fprintf(out, " %s %s{ ", field, value_may_be_wide() && generate_one_in(4) ? "!= " : "");
	print_mac_value(out);
	if (generate_one_in(4)) {
		fprintf(out, ", ");
		print_mac_value(out);
	}
	fprintf(out, " }");
}

void value_print_small(FILE *out, const char *field, __u32 limit)
{
	__u32 first = generate_below(limit);
	__u32 most = (limit - 1 - first) >> least_bits(8);

	fprintf(out, " %s %s%u-%u", field, value_may_be_wide() && generate_one_in(4) ? "!= " : "",
		first, first + generate_below(most + 1));
}

void value_print_types(FILE *out)
{
	value_print_small(out, generate_one_in(2) ? "icmp type" : "icmpv6 type", 256);
	if (generate_one_in(2))
		value_print_small(out, "code", 256);
}

void value_print_link(FILE *out)
{
	__u32 sure = generate_below(4);

	if (sure == 0)
		value_print_types(out);
	if (sure == 1 || generate_one_in(4))
		value_print_mac(out, "smac");
	if (generate_one_in(3))
		value_print_mac(out, "dmac");
	if (sure == 2 || generate_one_in(4))
		value_print_small(out, "vlan", 4096);
	if (sure == 3 || generate_one_in(4))
		value_print_small(out, "length", generate_one_in(2) ? 1400 : 65536);
	if (generate_one_in(4))
		value_print_small(out, "ttl", 256);
	if (generate_one_in(4))
		value_print_small(out, "dscp", 64);
}

static const char *const protocols[] = {
	"",
	"",
	"",
	"tcp",
	"udp",
	"tcp flags syn/syn,ack",
	"tcp flags != rst/rst",
	"icmp type 3 code 0-4",
	"icmp type != 8 code != 0",
	"icmpv6 type 1 code { 0, 4 }",
	"proto { tcp, udp }",
	"dport 1-1023",
	"sport != 0-1023",
};
static const char *const fields[] = {
	"length > 512",
	"length 40-60",
	"length < 48",
	"length != { 40, 52, 60-1500 }",
	"ttl 1",
	"ttl <= 2",
	"ttl != 64",
	"ttl { 63-65, 255 }",
	"dscp 46",
	"dscp { cs1, af11 }",
	"dscp != 0",
	"dscp 1-62",
	"fragment",
	"not fragment",
	"not established",
	"vlan 100",
	"vlan 1-4094",
	"vlan != 100",
	"ethertype { arp, ip, ip6 }",
	"ethertype { ip, ip6 }",
	"ethertype != arp",
	"smac 02:00:00:00:00:01",
	"smac 02:00:00:00:00:00/24",
	"smac != 02:00:00:00:00:00/40",
	"dmac { 02:00:00:00:00:01, ff:ff:ff:ff:ff:ff }",
	"dmac != 02:00:00:00:00:02",
	"interface test",
	"interface != { eth*, veth0 }",
	"interface t?st",
};
static const char *const frames[] = {
	"ethertype arp",
	"ethertype { arp, 0x88cc } vlan 100",
	"ethertype 0x05dc-0x0805 smac != 02:00:00:00:00:01",
	"ethertype 0x88cc dmac 02:00:00:00:00:00/40",
};

void value_print_fields(FILE *out)
{
	const char *one = GENERATE_PICK(fields), *other = GENERATE_PICK(fields);
	size_t word = strcspn(one, " ");

	if (generate_one_in(8)) {
		fprintf(out, " %s", GENERATE_PICK(frames));
		return;
	}
	fprintf(out, " %s %s", GENERATE_PICK(protocols), one);
	/* The same field twice is an error; "not" hides which it is. */
	if (strncmp(one, other, word) && *one != 'n' && *other != 'n' && *one != 'f')
		fprintf(out, " %s", other);
	if (!generate_one_in(3) || !value_may_be_wide())
		value_print_prefix(out, generate_one_in(2) ? "saddr" : "daddr", generate_below(2),
				   0, 32);
}
