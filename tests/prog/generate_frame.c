// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "generate.h"
#include "generate_values.h"

static const __u8 tcp_flags[] = { SYN, SYN | ACK, ACK, PSH | ACK, RST, FIN | ACK, 0, 0xff };

static void random_extensions(struct packet *p)
{
	static const __u8 types[] = { IPPROTO_HOPOPTS, IPPROTO_ROUTING,	 IPPROTO_DSTOPTS,
				      IPPROTO_AH,      IPPROTO_FRAGMENT, IPPROTO_MH };
	static const __u16 fragments[] = { 0, IPV6_MORE_FRAGMENTS,	 8, 0x8000, 0xfff8,
					   6, 0x10 | IPV6_MORE_FRAGMENTS };
	__u32 count =
		generate_one_in(4) ? generate_below(PACKET_EXTENSIONS + 1) : generate_below(4);

	for (__u32 i = 0; i < count; i++) {
		struct packet_extension *e = &p->extensions[i];

		e->type = GENERATE_PICK(types);
		e->hopopts = e->type == IPPROTO_HOPOPTS;
		e->units = (__u8)(generate_one_in(4) ? generate_below(6) : generate_below(2));
		/* Packets of many whole headers are wanted, too. */
		e->fragment = generate_one_in(2) ? GENERATE_PICK(fragments) : 0;
	}
}

static void random_claims(struct packet *p)
{
	switch (generate_below(4)) {
	case 0:
		p->claim.version = (__u8)generate_below(16);
		break;
	case 1:
		p->claim.ihl = (__u8)generate_below(16);
		break;
	case 2:
		p->claim.doff = (__u8)generate_below(16);
		break;
	case 3:
		p->claim.length = generate_one_in(4) ? -1 : (int)value_length();
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

	p->proto = GENERATE_PICK(protos);
	p->sport = value_port();
	p->dport = value_port();
	p->flags = GENERATE_PICK(tcp_flags);
	p->icmp_type = value_icmp_type();
	p->icmp_code = value_icmp_code();
	p->timestamps = generate_below(TIMESTAMPS_WRONG_SIZE + 1);
	p->tos = (__u8)(value_dscp() << 2 | generate_below(4));
	p->ttl = value_ttl() ? value_ttl() : -1;
	p->payload = (__u16)generate_below(30);
	if (generate_one_in(4))
		p->option_words = (__u8)generate_below(11);
	if (generate_one_in(4))
		p->fragment = GENERATE_PICK(fragments);
	if (generate_one_in(3))
		random_extensions(p);
	if (generate_one_in(8))
		random_claims(p);
}

static void add_noise(struct frame *f)
{
	__u32 flips = 1 + generate_below(4);

	for (__u32 i = 0; i < flips; i++)
		f->bytes[12 + generate_below((__u32)f->size - 12)] = (__u8)generate_u64();
}

static void random_ethernet(struct packet *p)
{
	static const __u16 tags[] = { TYPE_8021Q, TYPE_8021AD };
	__u32 count = generate_one_in(4) ? generate_below(PACKET_TAGS + 1) : 1;

	p->smac = value_mac();
	p->dmac = value_mac();
	if (generate_one_in(16)) {
		p->type = value_ethertype();
		if (p->type && p->type != TYPE_IPV4 && p->type != TYPE_IPV6 && generate_one_in(2))
			p->src = NULL; /* then there is no IP packet below that type */
	}
	if (!generate_one_in(3))
		return;
	for (__u32 i = 0; i < count; i++) {
		p->tags[i] = GENERATE_PICK(tags);
		p->tcis[i] = (__u16)(generate_below(16) << 12 | value_vlan());
	}
}

void generate_frame(struct frame *f)
{
	enum family family = generate_below(2);
	struct address src, dst;
	struct packet p = {};

	random_address(&src, family);
	random_address(&dst, family);
	p.src = family == V6 && generate_one_in(40) ? "::ffff:10.0.0.1" : src.text;
	p.dst = family == V6 && generate_one_in(40) ? "::ffff:10.0.0.2" : dst.text;
	random_ip(&p);
	random_ethernet(&p);
	if (generate_one_in(4))
		p.padding = (__u16)generate_below(20);
	packet_build(&p, f);
	if (generate_one_in(6))
		add_noise(f);
	if (generate_one_in(8))
		f->size = ETHERNET_BYTES + generate_below((__u32)f->size - ETHERNET_BYTES + 1);
}
