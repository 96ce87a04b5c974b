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
	__u64 payload[2];
} __attribute__((packed, aligned(4)));

struct path_head {
	union {
		__u8 raw[PATH_HEAD_BYTES + 4];
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
 * The end of a handshake and the data right behind it have the same numbers.
 * GRO joins data and its flags; what has no data stays alone.
 *
 * @said  bytes of TCP by the IP header; negative where it does not say
 */
static __always_inline __u64 path_key_of_tcp(const struct path_tcp *t, __s32 said, __u64 h)
{
	bool has_data = said < 0 || said > (t->doff >> 4) * 4;
	__u64 second = t->ack | (__u64)t->window << 32;

	second ^= (has_data ? 8ULL : t->flags & PATH_TCP_ALONE) << 48;

	h = weir_mix64(h ^ (t->ports | (__u64)t->seq << 32));
	if (t->doff >= PATH_DOFF_TIMESTAMP && t->option == PATH_NOP_NOP_TIMESTAMP)
		second ^= (__u64)t->tsval << 24;
	return weir_mix64(h ^ second);
}

/* UDP of the same ports differs by its id (IPv4) and by what is in it. */
static __always_inline __u64 path_key_of_other(const struct path_datagram *d, __u8 proto,
					       __u32 bytes, __u64 h)
{
	if (proto == IPPROTO_UDP)
		h = weir_mix64(h ^ d->ports);
	else if (bytes >= 8)
		h = weir_mix64(h ^ ((d->ports & bpf_htonl(0xffff0000)) | (__u64)d->rest << 32));
	if (bytes >= 16)
		h = weir_mix64(h ^ d->payload[0]);
	if (bytes >= 24)
		h = weir_mix64(h ^ d->payload[1]);
	return h;
}

static __always_inline __u64 path_key_of_v4(struct path_head *h)
{
	__u64 hash = weir_mix64(h->v4.saddr | (__u64)h->v4.daddr << 32);
	__u32 said = bpf_ntohs(h->v4.tot_len);

	h->proto = h->v4.protocol;
	h->l4 = sizeof(struct iphdr);
	if (h->v4.ihl != 5 || h->v4.frag_off & PATH_IP_FRAGMENT) {
		h->proto = 0;
		return weir_mix64(hash ^ (h->v4.id | (__u64)h->v4.frag_off << 16 |
					  (__u64)h->v4.protocol << 32));
	}
	if (h->proto == IPPROTO_TCP)
		return path_key_of_tcp((void *)(h->raw + sizeof(struct iphdr)),
				       (__s32)said - (__s32)sizeof(struct iphdr), hash);
	if (said && said < h->bytes)
		h->bytes = said;
	return path_key_of_other((void *)(h->raw + sizeof(struct iphdr)), h->proto,
				 h->bytes - sizeof(struct iphdr),
				 hash ^ ((__u64)h->v4.id << 8 | h->proto));
}

static __always_inline __u64 path_key_of_v6(struct path_head *h)
{
	const __u64 *address = (const void *)&h->v6.saddr;
	__u32 said = bpf_ntohs(h->v6.payload_len) + sizeof(struct ipv6hdr);
	__u64 hash = weir_mix64(address[0] ^ address[2] * 0x9E3779B97F4A7C15ULL);

	hash = weir_mix64(hash ^ address[1] ^ address[3] * 0xC2B2AE3D27D4EB4FULL);
	h->proto = h->v6.nexthdr;
	h->l4 = sizeof(struct ipv6hdr);
	if (h->proto == IPPROTO_TCP)
		return path_key_of_tcp((void *)(h->raw + sizeof(struct ipv6hdr)),
				       h->v6.payload_len ? bpf_ntohs(h->v6.payload_len) : -1, hash);
	if (h->v6.payload_len && said < h->bytes)
		h->bytes = said;
	return path_key_of_other((void *)(h->raw + sizeof(struct ipv6hdr)), h->proto,
				 h->bytes - sizeof(struct ipv6hdr), hash ^ h->proto);
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
	return key | 1ULL << 63;
}

/* The transport header of TCP, which is there where h->proto says so. */
static __always_inline const struct path_tcp *path_tcp(const struct path_head *h)
{
	return (const void *)(h->is_v6 ? h->raw + sizeof(struct ipv6hdr)
				       : h->raw + sizeof(struct iphdr));
}

#endif
