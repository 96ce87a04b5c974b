// SPDX-License-Identifier: GPL-2.0-or-later
#include "nat_error.h"

#include <string.h>

#define ICMP_BYTES 8

size_t nat_error_build(const struct nat_error *e, struct frame *f)
{
	bool is_v6 = strchr(e->src, ':') != NULL;
	size_t header = is_v6 ? 40 : 20, bytes;
	__u8 *ip = f->bytes + ETHERNET_BYTES, *icmp = ip + header;
	static struct frame about;
	struct packet p = { .src = e->src,
			    .dst = e->dst,
			    .ttl = e->ttl,
			    .proto = is_v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP,
			    .icmp_type = e->type,
			    .icmp_code = e->code,
			    .padding = e->padding };
	__u32 sum = 0;

	packet_build(e->about, &about);
	bytes = about.size - ETHERNET_BYTES;
	if (e->quoted && e->quoted < bytes)
		bytes = e->quoted;
	p.payload = (__u16)bytes;
	packet_build(&p, f);
	put16(icmp + 4, e->rest >> 16);
	put16(icmp + 6, e->rest);
	memcpy(icmp + ICMP_BYTES, about.bytes + ETHERNET_BYTES, bytes);
	put16(icmp + 2, 0);
	if (is_v6)
		sum = packet_sum(ip + 8, 32, (__u32)(IPPROTO_ICMPV6 + ICMP_BYTES + bytes));
	put16(icmp + 2, packet_checksum(packet_sum(icmp, ICMP_BYTES + bytes, sum)));
	return bytes;
}
