// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parts of the filter's actions one by one, at XDP, for tests to call.
 */
#include "weir/bpf/condition.h"
#include "weir/bpf/conn.h"
#include "weir/bpf/limit.h"
#include "weir/bpf/log.h"
#include "weir/bpf/maps.h"
#include "weir/bpf/packet.h"
#include "../../xdp/reject.h"

char LICENSE[] SEC("license") = "GPL";

/* Set by the test. */
struct weir_image image;
struct weir_limit limit;
__u32 sample = 1;
__u32 rule;

/* Read by the test. */
__u64 admitted, refused, established, asked;
__u32 reason;

static __always_inline long hook_load(void *ctx, __u32 offset, void *to, __u32 size)
{
	return bpf_xdp_load_bytes(ctx, offset, to, size);
}

static __always_inline long hook_store(void *ctx, __u32 offset, const void *from, __u32 size)
{
	return bpf_xdp_store_bytes(ctx, offset, (void *)from, size);
}

/* As the datapath has it: a packet in a map, and no pointer that outlives the parser. */
static struct pkt packet, answer;
static struct log_waiting waiting;

static __noinline int parse(struct xdp_md *ctx)
{
	pkt_init(&packet, bpf_xdp_get_buff_len(ctx), 0);
	pkt_parse((void *)(long)ctx->data, (void *)(long)ctx->data_end, &packet, WEIR_DEPTH_ALL);
	return 0;
}

static __always_inline bool hook_established(void *ctx, const struct weir_image *in_force,
					     const struct pkt *p)
{
	struct xdp_md *md = ctx;

	asked++;
	return conn_is_established(in_force, (void *)(long)md->data, (void *)(long)md->data_end, p);
}

/* No rule here has an expression. */
static __always_inline bool expr_holds(void *ctx, __u32 id)
{
	return false;
}

static __always_inline bool asks(struct xdp_md *ctx, const struct pkt *p)
{
	return hook_established(ctx, &image, p);
}

SEC("xdp.frags")
int limit_packet(struct xdp_md *ctx)
{
	parse(ctx);
	if (limit_admits(&image, &limit, &packet)) {
		__sync_fetch_and_add(&admitted, 1);
		return XDP_PASS;
	}
	__sync_fetch_and_add(&refused, 1);
	return XDP_DROP;
}

/* The same from random sources. */
SEC("xdp.frags")
int limit_spoofed(struct xdp_md *ctx)
{
	parse(ctx);
	packet.src.word[3] = bpf_get_prandom_u32();
	limit_admits(&image, &limit, &packet);
	return XDP_PASS;
}

SEC("xdp.frags")
int leaves(struct xdp_md *ctx)
{
	parse(ctx);
	conn_note(&image, (void *)(long)ctx->data, (void *)(long)ctx->data_end, &packet);
	return XDP_PASS;
}

SEC("xdp.frags")
int is_known(struct xdp_md *ctx)
{
	parse(ctx);
	return conn_is_known(&image, (void *)(long)ctx->data, (void *)(long)ctx->data_end, &packet)
		       ? XDP_PASS
		       : XDP_DROP;
}

SEC("xdp.frags")
int comes(struct xdp_md *ctx)
{
	parse(ctx);
	if (asks(ctx, &packet)) {
		established++;
		return XDP_PASS;
	}
	conn_ask(&image, &packet);
	return XDP_DROP;
}

/* As for three rules that ask the same. */
SEC("xdp.frags")
int comes_to_many_rules(struct xdp_md *ctx)
{
	parse(ctx);
	for (int i = 0; i < 3; i++)
		established += is_established(ctx, &image, &packet);
	return XDP_PASS;
}

/* A packet from anywhere to this host, and what the host answers. */
static __always_inline void make_random(struct pkt *p)
{
	__u32 random = bpf_get_prandom_u32();

	p->src.word[3] = bpf_get_prandom_u32();
	p->sport = random;
	p->dport = random >> 16;
}

SEC("xdp.frags")
int flood_tcp(struct xdp_md *ctx)
{
	parse(ctx);
	make_random(&packet);
	packet.tcp_flags = bpf_get_prandom_u32();
	if (asks(ctx, &packet))
		established++;
	answer = packet;
	answer.src = packet.dst;
	answer.dst = packet.src;
	answer.sport = packet.dport;
	answer.dport = packet.sport;
	/* Whatever a stack may say to it: SYN-ACK, RST, and segments of one that was opened. */
	switch (bpf_get_prandom_u32() % 3) {
	case 0:
		answer.tcp_flags = CONN_SYN | CONN_ACK;
		break;
	case 1:
		answer.tcp_flags = CONN_RST | CONN_ACK;
		break;
	default:
		answer.tcp_flags = CONN_ACK;
	}
	conn_note(&image, (void *)(long)ctx->data, (void *)(long)ctx->data_end, &answer);
	return XDP_PASS;
}

SEC("xdp.frags")
int flood_udp(struct xdp_md *ctx)
{
	parse(ctx);
	make_random(&packet);
	if (asks(ctx, &packet))
		established++;
	else
		conn_ask(&image, &packet);
	answer = packet;
	answer.src = packet.dst;
	answer.dst = packet.src;
	answer.sport = packet.dport;
	answer.dport = packet.sport;
	conn_note(&image, (void *)(long)ctx->data, (void *)(long)ctx->data_end, &answer);
	return XDP_PASS;
}

SEC("xdp.frags")
int reject_packet(struct xdp_md *ctx)
{
	int result;

	parse(ctx);
	result = reject_xdp(ctx, &packet, REJECT_ACTION);
	reason = result & 0xffff;
	return result >> 16;
}

SEC("xdp.frags")
int log_one(struct xdp_md *ctx)
{
	parse(ctx);
	if (!log_samples(sample))
		return XDP_PASS;
	log_packet(ctx, WEIR_LOG_XDP, ctx->ingress_ifindex, &packet, &waiting, rule, -1);
	if (packet.has & PKT_LOGGED)
		log_tell(&waiting, WEIR_R_FILTER_DROP);
	return XDP_PASS;
}
