// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A frame from what was said of it.
 */
#include <netinet/in.h>
#include <string.h>

#include "describe_internal.h"
#include "model.h"
#include "weir/filter.h"

#define ETHERNET_BYTES 14
#define TYPE_IPV4 0x0800
#define TYPE_IPV6 0x86dd
#define TYPE_VLAN 0x8100
#define SHORTEST 60 /* of a frame on a wire, without its FCS */
#define LATER_OFFSET 185 /* of 8 bytes: behind a first part of 1,500 */
#define EPHEMERAL 49152
#define FLAG_SYN 0x02

static void put16(__u8 *at, unsigned int value)
{
	at[0] = (__u8)(value >> 8);
	at[1] = (__u8)value;
}

static __u8 *append(struct frame *f, size_t size)
{
	__u8 *at = f->bytes + f->size;

	memset(at, 0, size);
	f->size += size;
	return at;
}

static __u32 sum16(const __u8 *at, size_t size, __u32 sum)
{
	for (size_t i = 0; i < size; i++)
		sum += i & 1 ? at[i] : (__u32)at[i] << 8;
	return sum;
}

static unsigned int fold(__u32 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

static bool has_ports(int proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_UDPLITE ||
	       proto == IPPROTO_SCTP || proto == IPPROTO_DCCP;
}

static bool is_icmp(int proto)
{
	return proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
}

static size_t header_bytes(int proto)
{
	if (proto == IPPROTO_TCP)
		return 20;
	if (proto == IPPROTO_SCTP || proto == IPPROTO_DCCP)
		return 12;
	return has_ports(proto) || is_icmp(proto) ? 8 : 0;
}

/* Where the transport's checksum is; 0: it has none that is made here. */
static size_t checksum_offset(int proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return 16;
	case IPPROTO_UDP:
		return 6;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return 2;
	}
	return 0;
}

static void put_checksum(const struct description *d, __u8 *l4, size_t size)
{
	size_t offset = checksum_offset(d->proto);
	__u32 sum = 0;

	if (!offset)
		return;
	if (d->proto != IPPROTO_ICMP) {
		size_t skip = addr_is_v4(d->to.addr) ? 12 : 0;

		sum = sum16(d->from.addr + skip, 16 - skip, sum);
		sum = sum16(d->to.addr + skip, 16 - skip, sum);
		sum += d->proto + (__u32)size;
	}
	put16(l4 + offset, fold(sum16(l4, size, sum)));
}

static void put_transport(const struct description *d, __u8 *l4, size_t size)
{
	if (has_ports(d->proto)) {
		put16(l4, d->from.has_port ? d->from.port : EPHEMERAL);
		put16(l4 + 2, d->to.port);
	}
	if (d->proto == IPPROTO_TCP) {
		l4[12] = 5 << 4;
		l4[13] = d->has_flags ? d->flags : FLAG_SYN;
		put16(l4 + 14, 65535);
	} else if (d->proto == IPPROTO_UDP) {
		put16(l4 + 4, size);
	} else if (is_icmp(d->proto)) {
		int echo = d->proto == IPPROTO_ICMP ? 8 : 128;

		l4[0] = d->type >= 0 ? d->type : echo;
		l4[1] = d->code >= 0 ? d->code : 0;
	}
	put_checksum(d, l4, size);
}

static void put_ipv4(const struct description *d, struct frame *f, size_t total)
{
	__u8 *ip = append(f, 20);

	ip[0] = 0x45;
	ip[1] = d->dscp > 0 ? d->dscp << 2 : 0;
	put16(ip + 2, total);
	if (d->fragment == FRAGMENT_FIRST)
		put16(ip + 6, 0x2000);
	else if (d->fragment == FRAGMENT_LATER)
		put16(ip + 6, LATER_OFFSET);
	ip[8] = d->ttl >= 0 ? d->ttl : 64;
	ip[9] = d->proto;
	memcpy(ip + 12, d->from.addr + 12, 4);
	memcpy(ip + 16, d->to.addr + 12, 4);
	put16(ip + 10, fold(sum16(ip, 20, 0)));
}

static void put_ipv6(const struct description *d, struct frame *f, size_t total)
{
	__u32 class = d->dscp > 0 ? d->dscp << 2 : 0;
	__u8 *ip = append(f, 40), *fragment;

	put16(ip, 0x6000 | class << 4);
	put16(ip + 4, total - 40);
	ip[6] = d->fragment ? IPPROTO_FRAGMENT : d->proto;
	ip[7] = d->ttl >= 0 ? d->ttl : 64;
	memcpy(ip + 8, d->from.addr, 16);
	memcpy(ip + 24, d->to.addr, 16);
	if (!d->fragment)
		return;
	fragment = append(f, 8);
	fragment[0] = d->proto;
	put16(fragment + 2, d->fragment == FRAGMENT_FIRST ? 1 : LATER_OFFSET << 3);
}

static void put_ethernet(const struct description *d, struct frame *f, unsigned int type)
{
	__u8 *eth = append(f, 12), *at;

	memcpy(eth, d->dmac, 6);
	memcpy(eth + 6, d->smac, 6);
	if (d->vlan >= 0) {
		at = append(f, 4);
		put16(at, TYPE_VLAN);
		put16(at + 2, d->vlan);
	}
	put16(append(f, 2), type);
}

static int check_addresses(const struct description *d, struct failure *why)
{
	if (!d->from.is_set || !d->to.is_set)
		return fail(
			why, EXIT_USAGE,
			"say where the packet comes from and goes to: from 198.51.100.7:4444 to "
			"192.0.2.1:22");
	if (addr_is_v4(d->from.addr) != addr_is_v4(d->to.addr))
		return fail(why, EXIT_USAGE, "one of the addresses is IPv4 and the other IPv6");
	if (d->proto < 0)
		return fail(why, EXIT_USAGE,
			    "say the packet's protocol: tcp, udp, icmp, icmpv6 or proto N");
	return 0;
}

static int check_transport(const struct description *d, struct failure *why)
{
	if (has_ports(d->proto) && !d->to.has_port && d->fragment != FRAGMENT_LATER)
		return fail(why, EXIT_USAGE,
			    "say the port that it goes to, as in \"to "
			    "192.0.2.1:443\" or \"to [2001:db8::1]:443\"");
	if (!has_ports(d->proto) && (d->from.has_port || d->to.has_port))
		return fail(why, EXIT_USAGE, "this protocol has no ports");
	if (d->proto != IPPROTO_TCP && d->has_flags)
		return fail(why, EXIT_USAGE, "only tcp has flags");
	if (!is_icmp(d->proto) && (d->type >= 0 || d->code >= 0))
		return fail(why, EXIT_USAGE, "only icmp and icmpv6 have a type and a code");
	if (d->proto == (addr_is_v4(d->to.addr) ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
		return fail(why, EXIT_USAGE,
			    "icmp goes between IPv4 addresses, icmpv6 between "
			    "IPv6 addresses");
	return 0;
}

static int build_ip(const struct description *d, struct frame *out, struct failure *why)
{
	bool v4 = addr_is_v4(d->to.addr);
	size_t headers = v4 ? 20 : 40 + (d->fragment ? 8 : 0);
	size_t least = headers + (d->fragment == FRAGMENT_LATER ? 0 : header_bytes(d->proto));
	size_t total = d->length >= 0 ? (size_t)d->length : least;

	if (total < least)
		return fail(why, EXIT_USAGE, "length %zu is too short: the headers take %zu bytes",
			    total, least);
	put_ethernet(d, out,
		     d->ethertype >= 0 ? (unsigned int)d->ethertype
		     : v4	       ? TYPE_IPV4
				       : TYPE_IPV6);
	if (v4)
		put_ipv4(d, out, total);
	else
		put_ipv6(d, out, total);
	append(out, total - headers);
	if (d->fragment != FRAGMENT_LATER)
		put_transport(d, out->bytes + out->size - (total - headers), total - headers);
	return 0;
}

/* "ethertype arp": a frame with nothing in it. */
static bool is_bare(const struct description *d)
{
	return d->ethertype >= 0 && !d->from.is_set && !d->to.is_set && d->proto < 0;
}

int describe_build(const struct description *d, struct frame *out, struct failure *why)
{
	out->size = 0;
	if (is_bare(d))
		put_ethernet(d, out, d->ethertype);
	else if (check_addresses(d, why) || check_transport(d, why) || build_ip(d, out, why))
		return -1;
	if (out->size < SHORTEST)
		append(out, SHORTEST - out->size);
	return 0;
}
