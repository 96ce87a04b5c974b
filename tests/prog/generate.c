// SPDX-License-Identifier: GPL-2.0-or-later
#include "generate.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/random.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PICK(array) ((array)[random_below(COUNT(array))])
#define SETS 2

enum family { V4, V6, MIXED };

static const __u16 ports[] = { 0, 1, 22, 53, 80, 443, 1000, 1005, 1010, 32768, 65534, 65535 };
static const __u8 icmp_types[] = { 0, 3, 8, 11, 128, 129, 135, 255 };
static const __u8 tcp_flags[] = { SYN, SYN | ACK, ACK, PSH | ACK, RST, FIN | ACK, 0, 0xff };

void generate_start(void)
{
	random_start();
}

__u32 generate_below(__u32 limit)
{
	return random_below(limit);
}

static bool one_in(__u32 n)
{
	return !random_below(n);
}

struct address {
	enum family family;
	__u8 bytes[16];
	char text[INET6_ADDRSTRLEN];
};

static void write_text(struct address *a)
{
	inet_ntop(a->family == V4 ? AF_INET : AF_INET6, a->bytes, a->text, sizeof(a->text));
}

/* 10.0.0-1.0-7, or an edge, or anything. */
static void random_v4(struct address *a)
{
	static const char *const edges[] = { "0.0.0.0", "255.255.255.255", "127.255.255.255",
					     "128.0.0.0" };
	__u32 any = (__u32)random_u64();

	a->family = V4;
	if (one_in(16)) {
		memcpy(a->bytes, &any, 4);
	} else if (one_in(16)) {
		inet_pton(AF_INET, PICK(edges), a->bytes);
	} else {
		memcpy(a->bytes, (__u8[]){ 10, 0, any % 2, any >> 8 & 7 }, 4);
	}
	write_text(a);
}

/* 2001:db8:0:0-1::0-7, or an edge: around the v4-mapped block, and the ends. */
static void random_v6(struct address *a)
{
	static const char *const edges[] = { "::",
					     "::1",
					     "::fffe:ffff:ffff",
					     "::1:0:0:0",
					     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
					     "7fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
					     "8000::",
					     "2001:db8:0:0:ffff:ffff:ffff:ffff",
					     "2001:db8::8000:0:0:0" };
	__u64 any[2] = { random_u64(), random_u64() };

	a->family = V6;
	if (one_in(16)) {
		memcpy(a->bytes, any, 16);
	} else if (one_in(8)) {
		inet_pton(AF_INET6, PICK(edges), a->bytes);
	} else {
		inet_pton(AF_INET6, "2001:db8::", a->bytes);
		a->bytes[7] = any[0] % 2;
		a->bytes[15] = any[0] >> 8 & 7;
	}
	write_text(a);
}

static void random_address(struct address *a, enum family family)
{
	memset(a, 0, sizeof(*a));
	if (family == V4)
		random_v4(a);
	else
		random_v6(a);
}

static void print_prefix(FILE *out, struct address *a)
{
	static const __u8 v4_lengths[] = { 0, 1, 8, 24, 29, 30, 31, 32 };
	static const __u8 v6_lengths[] = { 0, 1, 3, 32, 64, 65, 80, 96, 125, 126, 127, 128 };
	__u32 length = a->family == V4 ? PICK(v4_lengths) : PICK(v6_lengths);

	for (__u32 bit = length; bit < 128; bit++)
		a->bytes[bit / 8] &= ~(0x80 >> bit % 8);
	write_text(a);
	fprintf(out, "%s/%u", a->text, length);
}

static void print_address_value(FILE *out, enum family family)
{
	struct address a, b;

	random_address(&a, family);
	random_address(&b, family);
	if (one_in(3)) {
		fprintf(out, "%s", a.text);
	} else if (one_in(2)) {
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
	__u32 count = 1 + random_below(4);

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
	__u32 count = 1 + random_below(5);

	fprintf(out, "{ ");
	for (__u32 i = 0; i < count; i++) {
		__u16 a = PICK(ports), b = PICK(ports);

		if (i)
			fprintf(out, ", ");
		if (a <= b && one_in(2))
			fprintf(out, "%u-%u", a, b);
		else
			fprintf(out, "%u", b);
	}
	fprintf(out, " }");
}

static const char *negation(void)
{
	return one_in(4) ? "!= " : "";
}

static void print_address_match(FILE *out, const char *field, enum family family)
{
	fprintf(out, " %s %s", field, negation());
	if (family == MIXED && one_in(2))
		fprintf(out, "@nets%u", random_below(SETS));
	else
		print_addresses(out, family);
}

static void print_port_match(FILE *out, const char *field)
{
	fprintf(out, " %s %s", field, negation());
	if (one_in(4))
		fprintf(out, "@ports%u", random_below(SETS));
	else if (one_in(4))
		fprintf(out, "{ @ports%u, %u }", random_below(SETS), PICK(ports));
	else
		print_ports(out);
}

static void print_type_match(FILE *out)
{
	fprintf(out, " type %s{ %u, %u-255 }", negation(), PICK(icmp_types), random_below(5) * 50);
}

static void print_protocol_matches(FILE *out)
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

	switch (random_below(4)) {
	case 0:
		fprintf(out, " %s", PICK(with_types));
		if (one_in(2))
			print_type_match(out);
		break;
	case 1:
		fprintf(out, " %s", PICK(without));
		break;
	case 2:
		fprintf(out, " tcp flags %s%s", negation(), PICK(flags));
		if (one_in(2))
			print_port_match(out, "dport");
		break;
	case 3:
		fprintf(out, " %s", PICK(with_ports));
		if (one_in(2))
			print_port_match(out, "sport");
		if (one_in(2))
			print_port_match(out, "dport");
		break;
	}
}

static void print_rule(FILE *out, __u32 number)
{
	static const char *const actions[] = { "pass", "drop", "count" };
	enum family family = random_below(3);

	fprintf(out, "\trule r%u %s", number, PICK(actions));
	print_protocol_matches(out);
	if (one_in(3))
		print_address_match(out, "saddr", family);
	if (one_in(3))
		print_address_match(out, "daddr", family);
	fprintf(out, "\n");
}

char *generate_config(__u32 rules)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		abort();
	for (__u32 i = 0; i < SETS; i++) {
		fprintf(out, "set nets%u { type prefix; elements ", i);
		print_addresses(out, MIXED);
		fprintf(out, " }\nset ports%u { type port; elements ", i);
		print_ports(out);
		fprintf(out, " }\n");
	}
	fprintf(out, "interface test { xdp auto; filter f }\nfilter f {\n");
	if (one_in(2))
		fprintf(out, "\tdefault drop\n");
	rules = random_below(rules + 1);
	for (__u32 i = 0; i < rules; i++)
		print_rule(out, i);
	fprintf(out, "}\n");
	fclose(out);
	return text;
}

static void random_extensions(struct packet *p)
{
	static const __u8 types[] = { IPPROTO_HOPOPTS, IPPROTO_ROUTING,	 IPPROTO_DSTOPTS,
				      IPPROTO_AH,      IPPROTO_FRAGMENT, IPPROTO_MH };
	static const __u16 fragments[] = { 0, IPV6_MORE_FRAGMENTS,	 8, 0x8000, 0xfff8,
					   6, 0x10 | IPV6_MORE_FRAGMENTS };
	__u32 count = one_in(4) ? random_below(PACKET_EXTENSIONS + 1) : random_below(4);

	for (__u32 i = 0; i < count; i++) {
		struct packet_extension *e = &p->extensions[i];

		e->type = PICK(types);
		e->hopopts = e->type == IPPROTO_HOPOPTS;
		e->units = (__u8)(one_in(4) ? random_below(6) : random_below(2));
		/* Packets of many whole headers are wanted, too. */
		e->fragment = one_in(2) ? PICK(fragments) : 0;
	}
}

static void random_claims(struct packet *p)
{
	switch (random_below(4)) {
	case 0:
		p->claim.version = (__u8)random_below(16);
		break;
	case 1:
		p->claim.ihl = (__u8)random_below(16);
		break;
	case 2:
		p->claim.doff = (__u8)random_below(16);
		break;
	case 3:
		p->claim.length = (int)random_below(200) - 1;
		break;
	}
}

static void random_ip(struct packet *p)
{
	static const __u8 protos[] = { 6, 6, 6, 17, 17, 1, 58, 132, 136, 33, 47, 4, 41, 59, 135 };
	static const __u16 fragments[] = { IPV4_DONT_FRAGMENT,
					   IPV4_MORE_FRAGMENTS,
					   IPV4_MORE_FRAGMENTS | 3,
					   1,
					   0x1000,
					   0x1fff,
					   0x8000 };

	p->proto = PICK(protos);
	p->sport = PICK(ports);
	p->dport = PICK(ports);
	p->flags = PICK(tcp_flags);
	p->icmp_type = PICK(icmp_types);
	p->timestamps = random_below(TIMESTAMPS_WRONG_SIZE + 1);
	p->tos = (__u8)random_below(256);
	p->payload = (__u16)random_below(30);
	if (one_in(4))
		p->option_words = (__u8)random_below(11);
	if (one_in(4))
		p->fragment = PICK(fragments);
	if (one_in(3))
		random_extensions(p);
	if (one_in(8))
		random_claims(p);
}

static void add_noise(struct frame *f)
{
	__u32 flips = 1 + random_below(4);

	for (__u32 i = 0; i < flips; i++)
		f->bytes[12 + random_below((__u32)f->size - 12)] = (__u8)random_u64();
}

void generate_frame(struct frame *f)
{
	static const __u16 tags[] = { TYPE_8021Q, TYPE_8021AD };
	static const __u16 others[] = { TYPE_ARP, 0x88cc, 0x0000, 0x05dc, 0xffff };
	enum family family = random_below(2);
	struct address src, dst;
	struct packet p = {};

	random_address(&src, family);
	random_address(&dst, family);
	p.src = family == V6 && one_in(40) ? "::ffff:10.0.0.1" : src.text;
	p.dst = family == V6 && one_in(40) ? "::ffff:10.0.0.2" : dst.text;
	random_ip(&p);
	if (one_in(32))
		p.type = PICK(others);
	if (one_in(32))
		p.type = one_in(2) ? TYPE_IPV4 : TYPE_IPV6;
	if (one_in(5)) {
		__u32 count = random_below(PACKET_TAGS + 1);

		for (__u32 i = 0; i < count; i++)
			p.tags[i] = PICK(tags);
	}
	if (one_in(4))
		p.padding = (__u16)random_below(20);
	packet_build(&p, f);
	if (one_in(6))
		add_noise(f);
	if (one_in(8))
		f->size = ETHERNET_BYTES + random_below((__u32)f->size - ETHERNET_BYTES + 1);
}
