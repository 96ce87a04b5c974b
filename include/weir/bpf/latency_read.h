/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What of a packet is timed. Nothing else of the stage looks into the packet.
 */
#ifndef WEIR_BPF_LATENCY_READ_H
#define WEIR_BPF_LATENCY_READ_H

#include "weir/bpf/conn_key.h"
#include "weir/bpf/latency_flow.h"
#include "weir/latency.h"

#define TCPOPT_EOL 0
#define TCPOPT_NOP 1
#define TCPOPT_TIMESTAMP 8
/* Options before the timestamp that a packet may have; real stacks send up to 6. */
#define LATENCY_MAX_OPTIONS 12
#define LATENCY_NOP_NOP_TIMESTAMP bpf_htonl(0x0101080a)

#define LATENCY_PORT_DNS bpf_htons(53)
#define LATENCY_PORT_QUIC bpf_htons(443)
#define DNS_HEADER_BYTES 12
#define DNS_ANSWERS 0x80

/* RFC 9000, section 17: a short header; the spin bit is of versions 1 and 2. */
#define QUIC_FORM_BIT 0x80
#define QUIC_FIXED_BIT 0x40
#define QUIC_SPIN_BIT 0x20

struct tcp_timestamp_option {
	__u8 kind;
	__u8 size;
	__be32 tsval;
	__be32 tsecr;
} __attribute__((packed));

struct tcp_aligned_timestamp {
	__be32 kinds; /* NOP NOP TIMESTAMP 10, as Linux and others send it */
	__be32 tsval;
	__be32 tsecr;
};

struct dns_head {
	__be16 id;
	__u8 flags;
} __attribute__((packed));

/* Options in another order, as SYNs have them. */
static __always_inline void latency_walk_options(struct cursor *c, __u32 left, const struct pkt *p,
						 struct timed *t)
{
	struct tcp_timestamp_option *option;
	struct cursor probe;
	__u32 size;

	for (int i = 0; i < LATENCY_MAX_OPTIONS && left >= sizeof(*option); i++) {
		left = forget(left, p->bytes);
		c->offset = forget(c->offset, p->bytes);
		probe = *c;
		option = cursor_pull(&probe, struct tcp_timestamp_option);
		if (!option || option->kind == TCPOPT_EOL)
			return;
		if (option->kind == TCPOPT_TIMESTAMP && option->size == sizeof(*option)) {
			t->tsval = bpf_ntohl(option->tsval);
			t->tsecr = bpf_ntohl(option->tsecr);
			t->has_timestamps = 1;
			return;
		}
		size = option->kind == TCPOPT_NOP ? 1 : option->size;
		if (!size || size > left)
			return;
		left -= size;
		cursor_skip(c, size);
	}
}

static __always_inline void latency_read_timestamps(struct cursor *c, const struct pkt *p,
						    struct timed *t)
{
	__u32 options = p->tcp_header_bytes - sizeof(struct tcphdr);
	struct tcp_aligned_timestamp *aligned;
	struct cursor probe = *c;

	t->has_timestamps = 0;
	if (options < sizeof(*aligned))
		return;
	aligned = cursor_pull(&probe, struct tcp_aligned_timestamp);
	if (aligned && aligned->kinds == LATENCY_NOP_NOP_TIMESTAMP) {
		t->tsval = bpf_ntohl(aligned->tsval);
		t->tsecr = bpf_ntohl(aligned->tsecr);
		t->has_timestamps = 1;
		return;
	}
	latency_walk_options(c, options, p, t);
}

static __always_inline void latency_read_tcp(struct cursor *c, const struct pkt *p, struct timed *t)
{
	struct tcphdr *tcp = cursor_pull(c, struct tcphdr);

	if (!tcp)
		return;
	t->what = TIMED_TCP;
	t->seq = bpf_ntohl(tcp->seq);
	t->ack = bpf_ntohl(tcp->ack_seq);
	t->window = bpf_ntohs(tcp->window);
	t->flags = p->tcp_flags;
	t->bytes = p->l4_bytes - p->tcp_header_bytes;
	/* SYN and FIN count as a byte each. */
	t->end = t->seq + t->bytes + (t->flags & 1) + (t->flags >> 1 & 1);
	latency_read_timestamps(c, p, t);
}

static __always_inline void latency_read_dns(struct cursor *c, const struct pkt *p, struct timed *t)
{
	struct dns_head *dns = cursor_pull(c, struct dns_head);

	if (!dns || p->l4_bytes < sizeof(struct udphdr) + DNS_HEADER_BYTES)
		return;
	t->value = bpf_ntohs(dns->id);
	t->kind = WEIR_RTT_DNS;
	if (!(dns->flags & DNS_ANSWERS) && p->dport == LATENCY_PORT_DNS)
		t->what = TIMED_ASK;
	else if (dns->flags & DNS_ANSWERS && p->sport == LATENCY_PORT_DNS)
		t->what = TIMED_ANSWER;
}

static __always_inline void latency_read_quic(struct cursor *c, const struct pkt *p,
					      struct timed *t)
{
	__u8 *first = cursor_pull(c, __u8);

	if (!first || p->l4_bytes <= sizeof(struct udphdr) ||
	    (*first & (QUIC_FORM_BIT | QUIC_FIXED_BIT)) != QUIC_FIXED_BIT)
		return;
	t->what = TIMED_SPIN;
	t->value = *first & QUIC_SPIN_BIT ? WEIR_SIDE_SPIN : 0;
	t->is_client = p->dport == LATENCY_PORT_QUIC;
}

static __always_inline void latency_read_echo(struct cursor *c, const struct pkt *p,
					      struct timed *t)
{
	struct icmp *icmp = cursor_pull(c, struct icmp);

	if (!icmp || icmp->code)
		return;
	t->value = bpf_ntohl(icmp->rest); /* id and sequence number */
	t->kind = WEIR_RTT_ICMP;
	if (icmp->type == conn_echo_type(p))
		t->what = TIMED_ASK;
	else if (icmp->type == (p->is_v6 ? CONN_ICMPV6_ECHO_REPLY : CONN_ICMP_ECHO_REPLY))
		t->what = TIMED_ANSWER;
}

static __always_inline bool latency_is_dns(const struct pkt *p)
{
	return p->sport == LATENCY_PORT_DNS || p->dport == LATENCY_PORT_DNS;
}

/* Whether latency_read() may find something in it; most that is not TCP it does not. */
static __always_inline bool latency_is_timed(const struct pkt *p)
{
	if (p->has & PKT_FRAGMENT)
		return false;
	if (p->has & PKT_TCP)
		return true;
	if (p->has & PKT_PORTS)
		return p->proto == IPPROTO_UDP &&
		       (latency_is_dns(p) || p->sport == LATENCY_PORT_QUIC ||
			p->dport == LATENCY_PORT_QUIC);
	return conn_is_icmp(p);
}

/*
 * Read a packet for which latency_is_timed().
 *
 * @sender  the side it comes from: WIRE at ingress, HOST at egress
 */
static __always_inline void latency_read(void *data, void *data_end, const struct pkt *p,
					 enum weir_direction sender, struct timed *t)
{
	struct cursor c = cursor_at(data, data_end, p->l4_offset);

	t->what = TIMED_NOTHING;
	t->now = 0;
	t->took = 0;
	t->key = latency_flow_key(p, sender);
	t->is_v6 = p->is_v6;
	if (latency_has_prefixes())
		t->client = p->src;
	if (p->has & PKT_TCP) {
		latency_touch(t->key);
		latency_read_tcp(&c, p, t);
	} else if (p->has & PKT_PORTS) {
		cursor_skip(&c, sizeof(struct udphdr));
		if (latency_is_dns(p))
			latency_read_dns(&c, p, t);
		else
			latency_read_quic(&c, p, t);
	} else {
		latency_read_echo(&c, p, t);
	}
}

#endif
