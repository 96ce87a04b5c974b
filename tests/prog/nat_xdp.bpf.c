// SPDX-License-Identifier: GPL-2.0-only
/*
 * Translation by itself, at XDP, over an image that the test makes by hand.
 */
#include "weir/bpf/maps.h"
#include "weir/bpf/packet.h"
#include "../../xdp/hook.h"
#include "../../xdp/nat.h"

#include "nat_world.h"

char LICENSE[] SEC("license") = "GPL";

/* Set by the test. */
struct nat_world world;
__u32 service, backend;

/* Read by the test. */
__u32 reason, why;
__u64 opened, full;

/* As the datapath has it: a CPU's own, and no pointer that outlives the parser. */
struct work {
	struct pkt packet;
	struct nat flow;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct work);
} works SEC(".maps");

static __always_inline struct work *begin(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&works, &zero);
}

static __noinline int parse(struct xdp_md *ctx, struct pkt *p)
{
	pkt_init(p, bpf_xdp_get_buff_len(ctx), 0);
	pkt_parse((void *)(long)ctx->data, (void *)(long)ctx->data_end, p, WEIR_DEPTH_ALL);
	return 0;
}

/* What the ring would say. */
static __always_inline void choose_by_ring(struct choice *c)
{
	*c = (struct choice){
		.service_offset = offsetof(struct nat_world, services) +
				  service * sizeof(struct weir_service),
		.backend_offset = offsetof(struct nat_world, backends) +
				  backend * sizeof(struct weir_backend),
		.why = WEIR_WHY_RING,
	};
}

/* A packet of a client to the service. */
SEC("xdp.frags")
int nat_in(struct xdp_md *ctx)
{
	struct work *w = begin();
	struct choice choice;
	__u32 known;
	int result;

	if (!w)
		return XDP_ABORTED;
	parse(ctx, &w->packet);
	choose_by_ring(&choice);
	if (w->packet.has & PKT_PORTS) {
		known = nat_choose(&world.image, &w->packet, &w->flow);
		if (known) {
			choice.backend_offset = known;
			choice.why = WEIR_WHY_NAT;
		}
	}
	why = choice.why;
	result = nat_forward(ctx, &world.image, &w->packet, &w->flow, &choice);
	reason = result & 0xffff;
	return result >> 16;
}

/* A packet to this host. */
SEC("xdp.frags")
int nat_out(struct xdp_md *ctx)
{
	struct work *w = begin();
	int result;

	if (!w)
		return XDP_ABORTED;
	parse(ctx, &w->packet);
	result = nat_return(ctx, &world.image, &w->packet, &w->flow);
	reason = result & 0xffff;
	return result >> 16;
}

/* A SYN of anybody to the service; it goes nowhere. */
SEC("xdp.frags")
int nat_flood(struct xdp_md *ctx)
{
	struct work *w = begin();
	struct choice choice;

	if (!w)
		return XDP_ABORTED;
	parse(ctx, &w->packet);
	w->packet.src.word[3] = bpf_get_prandom_u32();
	w->packet.sport = bpf_get_prandom_u32();
	choose_by_ring(&choice);
	if (nat_choose(&world.image, &w->packet, &w->flow))
		return XDP_PASS;
	if (nat_begin(&world.image, image_at(&world.image, choice.service_offset),
		      image_at(&world.image, choice.backend_offset), &w->flow))
		__sync_fetch_and_add(&opened, 1);
	else
		__sync_fetch_and_add(&full, 1);
	return XDP_PASS;
}
