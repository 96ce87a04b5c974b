/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What makes a packet the same one at every hook: a hash of what no hop
 * changes, of the first segment where several are one super-packet.
 */
#ifndef WEIR_BPF_PATH_HEAD_H
#define WEIR_BPF_PATH_HEAD_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "weir/balance.h"

/* An IPv6 header, and of TCP as much as the value of an aligned timestamp. */
#define PATH_HEAD_BYTES 68
/* The same with an IPv4 header. */
#define PATH_HEAD_V4_BYTES 52
#define PATH_IP_FRAGMENT bpf_htons(0x3fff)
#define PATH_NOP_NOP_TIMESTAMP bpf_htonl(0x0101080a)
#define PATH_DOFF_TIMESTAMP 0x80

#define PATH_TCP_FIN 0x01
#define PATH_TCP_SYN 0x02
#define PATH_TCP_ALONE 0x07 /* FIN, SYN, RST */

struct path_tcp {
	__be32 ports;
	__be32 seq;
	__be32 ack;
	__u8 doff; /* in its upper half */
	__u8 flags;
	__be16 window;
	__be32 check_urgent;
	__be32 option;
	__be32 tsval;
} __attribute__((packed, aligned(4)));

struct path_datagram {
	__be32 ports; /* of ICMP: type, code, checksum */
	__be32 rest; /* of ICMP: id and sequence number */
	__be32 payload[4];
} __attribute__((packed, aligned(4)));

struct path_head {
	union {
		__u8 raw[PATH_HEAD_BYTES + 4]; /* whole words */
		struct iphdr v4;
		struct ipv6hdr v6;
		__u64 align;
	};
	__u32 bytes; /* of raw that are of the packet, if it has as many */
	__u8 proto;
	__u8 is_v6;
	__u8 l4; /* where it begins */
	__u8 pad;
};

static __always_inline bool path_is_multicast(const struct path_head *h)
{
	if (h->is_v6)
		return h->v6.daddr.s6_addr[0] == 0xff;
	return (bpf_ntohl(h->v4.daddr) >> 28) == 0xe || h->v4.daddr == 0xffffffff;
}

/*
 * A key is the sum of words of 32 bits, each times a number of its own, mixed.
 * The products do not wait for each other, and words that differ in their upper
 * bits alone do not cancel out, as 32 bits are left for them to differ in.
 */
#define PATH_TIMES_SADDR 0x9E3779B97F4A7C15ULL
#define PATH_TIMES_DADDR 0xC2B2AE3D27D4EB4FULL
#define PATH_TIMES_PORTS 0xD8A97F85CFA28C7DULL
#define PATH_TIMES_KIND 0x8BC053E85F621109ULL
#define PATH_TIMES_REST0 0xE23DE0AD42523E41ULL
#define PATH_TIMES_REST1 0x9FFCFA8415796D2BULL
#define PATH_TIMES_REST2 0xC5CFA35421DD5A71ULL
#define PATH_TIMES_REST3 0x94E5B6E8D5BF8D37ULL
#define PATH_TIMES_REST4 0xA4A17AF372058983ULL

/*
 * The end of a handshake and the data right behind it have the same numbers.
 * GRO joins data and its flags; what has no data stays alone.
 *
 * @said  bytes of TCP by the IP header; negative where it does not say
 */
static __always_inline __u64 path_key_of_tcp(const struct path_tcp *t, __s32 said, __u64 sum)
{
	bool has_data = said < 0 || said > (t->doff >> 4) * 4;
	__u32 kind = t->window | (has_data ? 8U : t->flags & PATH_TCP_ALONE) << 16;

	sum += t->ports * PATH_TIMES_PORTS + t->seq * PATH_TIMES_REST0 + t->ack * PATH_TIMES_REST1 +
	       kind * PATH_TIMES_REST2;
	if (t->doff >= PATH_DOFF_TIMESTAMP && t->option == PATH_NOP_NOP_TIMESTAMP)
		sum += t->tsval * PATH_TIMES_REST3;
	return sum;
}

/* UDP of the same ports differs by its id (IPv4) and by what is in it. */
static __always_inline __u64 path_key_of_other(const struct path_datagram *d, __u8 proto,
					       __u32 bytes, __u64 sum)
{
	if (proto == IPPROTO_UDP)
		sum += d->ports * PATH_TIMES_PORTS;
	else if (bytes >= 8)
		sum += (d->ports & bpf_htonl(0xffff0000)) * PATH_TIMES_PORTS +
		       d->rest * PATH_TIMES_REST4;
	if (bytes >= 16)
		sum += d->payload[0] * PATH_TIMES_REST0 + d->payload[1] * PATH_TIMES_REST1;
	if (bytes >= 24)
		sum += d->payload[2] * PATH_TIMES_REST2 + d->payload[3] * PATH_TIMES_REST3;
	return sum;
}

static __always_inline __u64 path_key_of_v4(struct path_head *h)
{
	__u64 sum = h->v4.saddr * PATH_TIMES_SADDR + h->v4.daddr * PATH_TIMES_DADDR;
	__u32 said = bpf_ntohs(h->v4.tot_len);

	h->proto = h->v4.protocol;
	h->l4 = sizeof(struct iphdr);
	if (h->v4.ihl != 5 || h->v4.frag_off & PATH_IP_FRAGMENT) {
		h->proto = 0;
		return sum + (h->v4.id | (__u32)h->v4.frag_off << 16) * PATH_TIMES_REST0 +
		       h->v4.protocol * PATH_TIMES_REST1;
	}
	if (h->proto == IPPROTO_TCP)
		return path_key_of_tcp((void *)(h->raw + sizeof(struct iphdr)),
				       (__s32)said - (__s32)sizeof(struct iphdr), sum);
	if (said && said < h->bytes)
		h->bytes = said;
	return path_key_of_other((void *)(h->raw + sizeof(struct iphdr)), h->proto,
				 h->bytes - sizeof(struct iphdr),
				 sum + ((__u32)h->v4.id << 8 | h->proto) * PATH_TIMES_KIND);
}

static __always_inline __u64 path_key_of_v6(struct path_head *h)
{
	const __u32 *from = (const void *)&h->v6.saddr, *to = (const void *)&h->v6.daddr;
	__u32 said = bpf_ntohs(h->v6.payload_len) + sizeof(struct ipv6hdr);
	__u64 sum = from[0] * PATH_TIMES_SADDR + to[0] * PATH_TIMES_DADDR;

	sum = weir_mix64(sum + from[1] * PATH_TIMES_REST0 + to[1] * PATH_TIMES_REST1 +
			 from[2] * PATH_TIMES_REST2 + to[2] * PATH_TIMES_REST3 +
			 from[3] * PATH_TIMES_REST4 + to[3] * PATH_TIMES_PORTS);
	h->proto = h->v6.nexthdr;
	h->l4 = sizeof(struct ipv6hdr);
	if (h->proto == IPPROTO_TCP)
		return path_key_of_tcp((void *)(h->raw + sizeof(struct ipv6hdr)),
				       h->v6.payload_len ? bpf_ntohs(h->v6.payload_len) : -1, sum);
	if (h->v6.payload_len && said < h->bytes)
		h->bytes = said;
	return path_key_of_other((void *)(h->raw + sizeof(struct ipv6hdr)), h->proto,
				 h->bytes - sizeof(struct ipv6hdr),
				 sum + h->proto * PATH_TIMES_KIND);
}

/*
 * The key of a packet whose first h->bytes bytes, from its IP header on, are in
 * h->raw, zeroes behind them. Fills in the rest of @h. Returns 0 for what is no
 * IP packet, or too short to be one.
 */
static __always_inline __u64 path_key(struct path_head *h)
{
	__u64 key;

	h->is_v6 = h->v4.version == 6;
	if (h->v4.version == 4 && h->bytes >= sizeof(struct iphdr) + 8)
		key = path_key_of_v4(h);
	else if (h->is_v6 && h->bytes >= sizeof(struct ipv6hdr))
		key = path_key_of_v6(h);
	else
		return 0;
	return weir_mix64(key) | 1ULL << 63;
}

/* The transport header of TCP, which is there where h->proto says so. */
static __always_inline const struct path_tcp *path_tcp(const struct path_head *h)
{
	return (const void *)(h->is_v6 ? h->raw + sizeof(struct ipv6hdr)
				       : h->raw + sizeof(struct iphdr));
}

#endif
