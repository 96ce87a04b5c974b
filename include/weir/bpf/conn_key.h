/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which connection a packet is of: both of its ends as this host sees them,
 * its own or those of the packet that an ICMP error quotes.
 */
#ifndef WEIR_BPF_CONN_KEY_H
#define WEIR_BPF_CONN_KEY_H

#include <stddef.h>

#include "weir/bpf/packet.h"
#include "weir/bpf/siphash.h"

#define CONN_ICMP_ECHO_REPLY 0
#define CONN_ICMP_UNREACHABLE 3
#define CONN_ICMP_ECHO 8
#define CONN_ICMP_TIME_EXCEEDED 11
#define CONN_ICMP_PARAMETER 12
#define CONN_ICMPV6_PARAMETER 4
#define CONN_ICMPV6_ECHO 128
#define CONN_ICMPV6_ECHO_REPLY 129

/*
 * Both ends of a flow, seen from this host. The addresses lie where their hash
 * wants them, as the stack has no room for both.
 */
struct conn_key {
	union {
		struct siphash_words words; /* of conn_tag() */
		struct {
			__u64 pad;
			union pkt_addr local;
			union pkt_addr remote;
		};
	};
	__be16 local_port; /* ICMP echo: its id */
	__be16 remote_port; /* ICMP echo: 0 */
	__u8 proto;
	__u8 is_v6;
};

/* IPv4 is the frequent case, and two words of it say everything. Uses up @k. */
static __always_inline __u64 conn_tag(const struct weir_image *image, struct conn_key *k)
{
	k->words.word[0] = (__u64)k->local_port << 32 | (__u64)k->remote_port << 16 | k->proto;
	k->words.count = k->is_v6 ? 5 : 2;
	if (!k->is_v6)
		k->words.word[1] = (__u64)k->local.word[3] << 32 | k->remote.word[3];
	return siphash_keyed(&k->words, image) | 1;
}
_Static_assert(offsetof(struct conn_key, local) == offsetof(struct conn_key, words.word[1]) &&
		       offsetof(struct conn_key, remote) ==
			       offsetof(struct conn_key, words.word[3]),
	       "addresses do not lie where their hash wants them");

static __always_inline __be16 conn_echo_id(void *data, void *data_end, const struct pkt *p)
{
	struct cursor c = cursor_at(data, data_end, p->l4_offset + 4);
	__be16 *id = cursor_pull(&c, __be16);

	return id ? *id : 0;
}

static __always_inline __u8 conn_echo_type(const struct pkt *p)
{
	return p->is_v6 ? CONN_ICMPV6_ECHO : CONN_ICMP_ECHO;
}

static __always_inline bool conn_is_icmp(const struct pkt *p)
{
	return p->has & PKT_ICMP && p->proto == (p->is_v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
}

static __always_inline void conn_key_in(struct conn_key *k, const struct pkt *p)
{
	k->local = p->dst;
	k->remote = p->src;
	k->local_port = p->dport;
	k->remote_port = p->sport;
	k->proto = p->proto;
	k->is_v6 = p->is_v6;
}

static __always_inline void conn_key_out(struct conn_key *k, const struct pkt *p)
{
	k->local = p->src;
	k->remote = p->dst;
	k->local_port = p->sport;
	k->remote_port = p->dport;
	k->proto = p->proto;
	k->is_v6 = p->is_v6;
}

static __always_inline void conn_key_echo(struct conn_key *k, __be16 id)
{
	k->local_port = id;
	k->remote_port = 0;
}

static __always_inline bool conn_is_error(const struct pkt *p)
{
	__u8 type = p->icmp_type;

	if (p->is_v6)
		return type && type <= CONN_ICMPV6_PARAMETER;
	return type == CONN_ICMP_UNREACHABLE || type == CONN_ICMP_TIME_EXCEEDED ||
	       type == CONN_ICMP_PARAMETER;
}

/* The transport header that an ICMP error quotes: ports, or the id of an echo. */
static __always_inline bool conn_quoted_l4(struct cursor *c, struct conn_key *k)
{
	__be16 *word = cursor_take(c, 8);

	if (!word)
		return false;
	switch (k->proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		k->local_port = word[0];
		k->remote_port = word[1];
		return true;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		conn_key_echo(k, word[2]);
		return *(__u8 *)word == (k->is_v6 ? CONN_ICMPV6_ECHO : CONN_ICMP_ECHO) &&
		       k->proto == (k->is_v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	}
	return false;
}

static __always_inline bool conn_quoted_v4(struct cursor *c, struct conn_key *k)
{
	struct iphdr *ip = cursor_pull(c, struct iphdr);

	if (!ip || ip->version != 4 || ip->ihl < 5 || ip->frag_off & bpf_htons(0x1fff))
		return false;
	k->local.word[2] = k->remote.word[2] = PKT_V4MAPPED;
	k->local.word[3] = ip->saddr;
	k->remote.word[3] = ip->daddr;
	k->proto = ip->protocol;
	cursor_skip(c, ip->ihl * 4 - sizeof(*ip));
	return conn_quoted_l4(c, k);
}

/* This host's own packets have at most a fragment header before their transport's. */
static __always_inline bool conn_quoted_v6(struct cursor *c, struct conn_key *k)
{
	struct ipv6hdr *ip = cursor_pull(c, struct ipv6hdr);
	struct fragment *fragment;

	if (!ip || ip->version != 6)
		return false;
	__builtin_memcpy(&k->local, &ip->saddr, sizeof(k->local));
	__builtin_memcpy(&k->remote, &ip->daddr, sizeof(k->remote));
	k->proto = ip->nexthdr;
	if (k->proto == IPPROTO_FRAGMENT) {
		fragment = cursor_pull(c, struct fragment);
		if (!fragment || fragment->offset & bpf_htons(0xfff8))
			return false;
		k->proto = fragment->next;
	}
	return conn_quoted_l4(c, k);
}

/*
 * Which connection an inbound packet would be of: its own, or of the packet
 * that it quotes. False where it can be of none.
 */
static __always_inline bool conn_key_of(void *data, void *data_end, const struct pkt *p,
					struct conn_key *k)
{
	struct cursor c = cursor_at(data, data_end, p->l4_offset + sizeof(struct icmp));

	conn_key_in(k, p);
	if (p->has & PKT_PORTS)
		return true;
	if (!conn_is_icmp(p) || p->has & PKT_FRAGMENT)
		return false;
	if (p->icmp_type == (p->is_v6 ? CONN_ICMPV6_ECHO_REPLY : CONN_ICMP_ECHO_REPLY)) {
		conn_key_echo(k, conn_echo_id(data, data_end, p));
		return true;
	}
	if (!conn_is_error(p))
		return false;
	if (!(p->is_v6 ? conn_quoted_v6(&c, k) : conn_quoted_v4(&c, k)))
		return false;
	return k->local.half[0] == p->dst.half[0] && k->local.half[1] == p->dst.half[1];
}

/* The same of a packet that leaves: what an error quotes came from the peer. */
static __always_inline bool conn_key_of_leaving(void *data, void *data_end, const struct pkt *p,
						struct conn_key *k)
{
	struct cursor c = cursor_at(data, data_end, p->l4_offset + sizeof(struct icmp));
	struct conn_key quoted = {};

	conn_key_out(k, p);
	if (p->has & PKT_PORTS)
		return true;
	if (!conn_is_icmp(p) || p->has & PKT_FRAGMENT)
		return false;
	if (p->icmp_type == conn_echo_type(p)) {
		conn_key_echo(k, conn_echo_id(data, data_end, p));
		return true;
	}
	if (!conn_is_error(p))
		return false;
	quoted.is_v6 = p->is_v6;
	if (!(p->is_v6 ? conn_quoted_v6(&c, &quoted) : conn_quoted_v4(&c, &quoted)))
		return false;
	k->local = quoted.remote;
	k->remote = quoted.local;
	k->local_port = quoted.remote_port;
	k->remote_port = quoted.local_port;
	k->proto = quoted.proto;
	return k->remote.half[0] == p->dst.half[0] && k->remote.half[1] == p->dst.half[1];
}

#endif
