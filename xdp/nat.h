/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * "forward nat": to the backend go packets of this host's address, and what it
 * answers comes back through here. Both addresses change and both ports, so a
 * backend needs no VIP and no route to clients.
 */
#ifndef WEIR_XDP_NAT_H
#define WEIR_XDP_NAT_H

#include "weir/bpf/choice.h"
#include "weir/bpf/nat.h"
#include "weir/bpf/nat_open.h"
#include "weir/bpf/nat_quote.h"

#include "complete.h"
#include "hop.h"
#include "local.h"
#include "mss.h"
#include "nat_hop.h"
#include "nat_write.h"
#include "too_big.h"

static __always_inline bool nat_translates(const struct weir_service *service)
{
	return service->forward == WEIR_FORWARD_NAT || service->forward == WEIR_FORWARD_LOCAL;
}

/* The flow that a packet of a client is of. */
static __always_inline void nat_key(const struct pkt *p, struct nat *n)
{
	n->outside.src = p->src;
	n->outside.dst = p->dst;
	n->outside.sport = p->sport;
	n->outside.dport = p->dport;
	n->is_udp = p->proto == IPPROTO_UDP;
	n->is_v6 = p->is_v6;
	n->flags = p->has & PKT_TCP ? p->tcp_flags : 0;
}

/* One of the service's addresses, the same for all flows of a client; or the route's. */
static __always_inline void nat_choose_source(const struct weir_image *image,
					      const struct weir_service *service,
					      const struct weir_backend *backend, struct nat *n)
{
	__u32 count = n->is_v6 ? service->sources_v6 : service->sources_v4;
	const __u8 *source = backend->source;
	__u32 hash;

	if (count) {
		hash = weir_nat_source_hash(n->outside.src.half[0],
					    n->outside.src.half[1] ^ n->secret);
		hash = ((__u64)hash * count) >> 32;
		hash += n->is_v6 ? service->sources_v4 : 0;
		source = image_at(image, service->sources_offset + hash * 16);
	}
	pkt_copy_addr(&n->inside.src, source);
}

static __always_inline __u8 nat_service_idle(const struct weir_service *service, bool is_udp)
{
	__u32 s = is_udp ? service->udp_idle_s ?: WEIR_NAT_UDP_S : service->settle_s;

	return weir_nat_idle(WEIR_NAT_TICKS(s) + 1);
}

static __always_inline void nat_set_backend(struct nat *n, const struct weir_backend *backend)
{
	pkt_copy_addr(&n->inside.dst, backend->addr);
	n->inside.dport = backend->port ?: n->outside.dport;
	n->backend = backend->id;
}

/* A client that is given itself as a backend is translated in any case. */
static __always_inline void nat_set_ends(const struct weir_image *image,
					 const struct weir_service *service,
					 const struct weir_backend *backend, struct nat *n)
{
	nat_set_backend(n, backend);
	n->kind = NAT_PORTS;
	if (service->forward == WEIR_FORWARD_LOCAL &&
	    !nat_is_addr(&n->outside.src, &n->inside.dst)) {
		n->kind = NAT_LOCAL;
		n->inside.src = n->outside.src;
	} else {
		nat_choose_source(image, service, backend, n);
	}
}

static __always_inline __u32 nat_backend_offset(const struct weir_image *image,
						const struct weir_backend *backend)
{
	return backend ? (const void *)backend - (const void *)image : 0;
}

/*
 * Where the flow of a packet with ports, as its client sends it, was translated
 * to before: the offset of that backend in the image, or 0.
 *
 * @likely  the service's backend that the ring names, where most flows go; or NULL
 */
static __noinline __u32 nat_choose(const struct weir_image *image, const struct pkt *p,
				   const struct weir_service *service,
				   const struct weir_backend *likely, struct nat *n)
{
	const struct weir_backend *backend;

	nat_key(p, n);
	nat_ask(image, n);
	if (likely) {
		n->port_first = image->nat.port_first;
		n->ports_count = image->nat.ports_count;
		nat_set_ends(image, service, likely, n);
		if (nat_find_first(n))
			return nat_backend_offset(image, likely);
	}
	if (!nat_find(n))
		return 0;
	backend = nat_backend(image, n->backend);
	/* It is to have another record, and the table to know that one. */
	if (!backend)
		nat_note_record(n, false);
	return nat_backend_offset(image, backend);
}

/*
 * Open the flow in @n, which nat_choose() did not find, toward @backend. Returns
 * WEIR_R_LB_FORWARD, WEIR_R_LB_NO_ROUTE where it has no address to be translated
 * to, or WEIR_R_LB_NAT_FULL.
 */
static __always_inline int nat_begin(const struct weir_image *image,
				     const struct weir_service *service,
				     const struct weir_backend *backend, struct nat *n)
{
	n->port_first = image->nat.port_first;
	n->ports_count = image->nat.ports_count;
	n->idle = nat_service_idle(service, n->is_udp);
	nat_set_ends(image, service, backend, n);
	if (!hop_is_source(&n->inside.src))
		return WEIR_R_LB_NO_ROUTE;
	return nat_open(n) ? WEIR_R_LB_FORWARD : WEIR_R_LB_NAT_FULL;
}

/*
 * Send the packet off. Returns @reason with @verdict filled, or WEIR_R_LB_ERROR.
 */
static __always_inline int nat_leave(struct xdp_md *ctx, const struct hop *hop,
				     enum weir_reason reason, int *verdict)
{
	struct ethhdr *eth = nat_at(ctx, 0, sizeof(*eth));

	if (!eth)
		return WEIR_R_LB_ERROR;
	write_macs(eth, hop);
	if (hop_tag(ctx, hop))
		return WEIR_R_LB_ERROR;
	*verdict = send_out_of(ctx, hop->ifindex);
	return reason;
}

/* An error about what was sent to a client, for the backend that sent it. */
static __always_inline int nat_write_error_in(struct xdp_md *ctx, const struct weir_image *image,
					      const struct pkt *p, struct nat *n,
					      const struct weir_backend *backend)
{
	if (!nat_is_error(p) ||
	    !nat_quote((void *)(long)ctx->data, (void *)(long)ctx->data_end, p, n))
		return WEIR_R_LB_ERROR;
	nat_turn(&n->quoted, &n->outside);
	nat_ask(image, n);
	if (!nat_find(n))
		return WEIR_R_LB_NAT_UNKNOWN;
	nat_set_backend(n, backend);
	n->to = n->inside;
	nat_turn(&n->inside, &n->quoted_to);
	return nat_write_error(ctx, p, n) ? WEIR_R_LB_ERROR : WEIR_R_LB_FORWARD;
}

/*
 * A later fragment: all flows of a client have the same source, so addresses
 * alone say what becomes of them.
 */
static __always_inline int nat_write_fragment_in(struct xdp_md *ctx, const struct weir_image *image,
						 const struct pkt *p, struct nat *n,
						 const struct choice *choice)
{
	const struct weir_service *service = image_at(image, choice->service_offset);
	const struct weir_backend *backend = image_at(image, choice->backend_offset);

	nat_key(p, n);
	n->secret = image->secret[0];
	nat_set_ends(image, service, backend, n);
	if (!hop_is_source(&n->inside.src))
		return WEIR_R_LB_NO_ROUTE;
	n->to = n->inside;
	return nat_write(ctx, p, n) ? WEIR_R_LB_ERROR : WEIR_R_LB_FORWARD;
}

/*
 * Rewrite a packet of a client, or an error of one, for the backend of its
 * flow. Returns WEIR_R_LB_FORWARD, or why not.
 */
static __noinline int nat_write_in(struct xdp_md *ctx, const struct weir_image *image,
				   const struct pkt *p, struct nat *n, const struct choice *choice)
{
	const struct weir_service *service = image_at(image, choice->service_offset);
	const struct weir_backend *backend = image_at(image, choice->backend_offset);
	int reason;

	if (choice->why == WEIR_WHY_FRAGMENT)
		return nat_write_fragment_in(ctx, image, p, n, choice);
	if (!(p->has & PKT_PORTS))
		return nat_write_error_in(ctx, image, p, n, backend);
	if (choice->why != WEIR_WHY_NAT) {
		reason = nat_begin(image, service, backend, n);
		if (reason != WEIR_R_LB_FORWARD)
			return reason;
	}
	nat_set_backend(n, backend);
	n->to = n->inside;
	if (nat_write(ctx, p, n))
		return WEIR_R_LB_ERROR;
	nat_touch(n, NAT_CLIENT);
	return WEIR_R_LB_FORWARD;
}

/* After nat_prepare(). */
static __always_inline void nat_clamp(struct xdp_md *ctx, const struct pkt *p,
				      const struct weir_service *service, const struct nat *n)
{
	__u32 most = mss_most(p, service, 0);

	if (most)
		mss_clamp(ctx, p, most, n->is_partial);
}

/*
 * Send a packet of a client to the backend that was chosen, after nat_choose()
 * was asked. Returns the reason, with the verdict that carries it out in
 * @verdict.
 */
static __noinline int nat_forward(struct xdp_md *ctx, const struct weir_image *image,
				  struct scratch *scratch, int *verdict)
{
	const struct choice *choice = &scratch->choice;
	const struct weir_service *service = image_at(image, choice->service_offset);
	const struct weir_backend *backend = image_at(image, choice->backend_offset);
	const struct hop *hop = hop_to(ctx, backend);
	const struct pkt *p = &scratch->pkt;
	struct nat *n = &scratch->nat;
	int reason;

	if (!hop)
		return WEIR_R_LB_ERROR;
	n->to_stack = service->forward == WEIR_FORWARD_LOCAL && local_needs_stack(p, backend, hop);
	if (hop->reason != WEIR_R_LB_FORWARD && !n->to_stack)
		return hop->reason;
	/* Of a way whose neighbour is not known, the kernel does not tell the MTU. */
	if (hop->reason == WEIR_R_LB_FORWARD && p->ip_bytes > hop->mtu)
		return too_big(ctx, p, hop->mtu, verdict);
	if (p->ttl <= 1)
		return ttl_ended(ctx, p, verdict);
	nat_prepare(ctx, p, n);
	nat_clamp(ctx, p, service, n);
	reason = nat_write_in(ctx, image, p, n, choice);
	if (reason != WEIR_R_LB_FORWARD)
		return reason;
	count_backend(&scratch->first, backend->id, p->bytes);
	return n->to_stack ? WEIR_R_LB_LOCAL : nat_leave(ctx, hop, reason, verdict);
}

/* Not inlined: it is asked of every packet, and most are of no flow. */
static __noinline int nat_is_source(const struct weir_image *image, const union pkt_addr *addr)
{
	__u32 hash = weir_nat_source_hash(addr->half[0], addr->half[1]), place;
	const __u64 *half;

	if (!image->nat.ports_count)
		return 0;
#pragma unroll
	for (int i = 0; i < WEIR_NAT_PROBES; i++) {
		place = (hash + i) & image->nat.sources_mask;
		half = image_at(image, image->nat.sources_offset + place * 16);
		if (half[0] == addr->half[0] && half[1] == addr->half[1])
			return 1;
	}
	return 0;
}

static __always_inline bool nat_is_port(const struct weir_image *image, __be16 port)
{
	return (__u16)(bpf_ntohs(port) - image->nat.port_first) < image->nat.ports_count;
}

/* The flow that a packet toward a source, or what it quotes, came back of. */
static __always_inline int nat_find_back(struct xdp_md *ctx, const struct weir_image *image,
					 const struct pkt *p, struct nat *n)
{
	n->kind = NAT_PORTS;
	n->is_v6 = p->is_v6;
	if (p->has & PKT_PORTS) {
		if (!nat_is_port(image, p->dport) ||
		    (p->proto != IPPROTO_TCP && p->proto != IPPROTO_UDP))
			return 0;
		n->flags = p->has & PKT_TCP ? p->tcp_flags : 0;
		n->is_udp = p->proto == IPPROTO_UDP;
		n->inside.src = p->dst;
		n->inside.dst = p->src;
		n->inside.sport = p->dport;
		n->inside.dport = p->sport;
		return nat_back(image, n);
	}
	if (!nat_is_error(p) ||
	    !nat_quote((void *)(long)ctx->data, (void *)(long)ctx->data_end, p, n) ||
	    !nat_is_addr(&n->quoted.src, &p->dst))
		return 0;
	n->inside = n->quoted;
	return nat_back(image, n);
}

static __always_inline int nat_write_back(struct xdp_md *ctx, const struct pkt *p, struct nat *n)
{
	if (!(p->has & (PKT_PORTS | PKT_FRAGMENT))) {
		n->quoted_to = n->outside;
		return nat_write_error(ctx, p, n);
	}
	if (nat_write(ctx, p, n))
		return -1;
	nat_touch(n, NAT_BACKEND);
	return 0;
}

/*
 * Whether the stack is to bring the packet to its client once it was rewritten:
 * it can ask for a neighbour, and cut what may be cut.
 */
static __always_inline bool nat_needs_stack(struct xdp_md *ctx, const struct pkt *p,
					    const struct hop *hop)
{
	if (hop->reason == WEIR_R_LB_NO_NEIGHBOUR)
		return true;
	return hop->reason == WEIR_R_LB_FORWARD && p->ip_bytes > hop->mtu && !p->is_v6 &&
	       may_be_fragmented(ctx, p);
}

/*
 * Whether the packet is what a backend answers, or an error about what was sent
 * to it; its flow is left in the scratch. All else that comes to a source is the
 * host's.
 */
static __noinline int nat_comes_back(struct xdp_md *ctx, const struct weir_image *image,
				     struct scratch *scratch)
{
	const struct pkt *p = &scratch->pkt;

	if (!(p->has & PKT_ADDR) || p->has & PKT_TAGGED || !nat_is_source(image, &p->dst))
		return 0;
	return nat_find_back(ctx, image, p, &scratch->nat);
}

/*
 * Bring a packet for which nat_comes_back() said yes back to the client. Returns
 * the reason, with the verdict that carries it out in @verdict.
 */
static __noinline int nat_return(struct xdp_md *ctx, const struct weir_image *image,
				 struct scratch *scratch, int *verdict)
{
	const struct pkt *p = &scratch->pkt;
	struct nat *n = &scratch->nat;
	const struct hop *hop;

	nat_turn(&n->outside, &n->to);
	hop = nat_hop_to(ctx, &n->to);
	if (!hop)
		return WEIR_R_LB_ERROR;
	n->to_stack = nat_needs_stack(ctx, p, hop);
	if (hop->reason != WEIR_R_LB_FORWARD && !n->to_stack)
		return hop->reason;
	if (p->ip_bytes > hop->mtu && !n->to_stack)
		return too_big(ctx, p, hop->mtu, verdict);
	if (p->ttl <= 1)
		return ttl_ended(ctx, p, verdict);
	nat_prepare(ctx, p, n);
	if (nat_write_back(ctx, p, n))
		return WEIR_R_LB_ERROR;
	return n->to_stack ? WEIR_R_LB_NAT_STACK
			   : nat_leave(ctx, hop, WEIR_R_LB_NAT_RETURN, verdict);
}

#endif
