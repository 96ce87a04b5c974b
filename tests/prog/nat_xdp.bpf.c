// SPDX-License-Identifier: GPL-2.0-only
/*
 * Translation by itself, at XDP, over an image that the test makes by hand.
 */
#include "weir/bpf/maps.h"
#include "weir/bpf/packet.h"
#include "weir/bpf/choice.h"
#include "weir/bpf/nat.h"
#include "nat_world.h"

/* As the datapath has it: a CPU's own, and no pointer that outlives the parser. */
struct scratch {
	struct weir_first_counters first;
	struct pkt pkt;
	struct choice choice;
	struct nat nat;
};

#include "../../xdp/hook.h"
#include "../../xdp/nat.h"

char LICENSE[] SEC("license") = "GPL";

/* Set by the test. */
struct nat_world world;
__u32 service, backend;

/* Read by the test. */
__u32 reason, why;
__u64 opened, full;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

static __always_inline struct scratch *begin(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&scratches, &zero);
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

/* Where the flow went before, if it did. */
static __always_inline __u32 choose_by_flow(struct scratch *s)
{
	return nat_choose(&world.image, &s->pkt, image_at(&world.image, s->choice.service_offset),
			  image_at(&world.image, s->choice.backend_offset), &s->nat);
}

/* A packet of a client to the service, if it has what the balancer finds a service by. */
SEC("xdp.frags")
int nat_in(struct xdp_md *ctx)
{
	struct scratch *s = begin();
	int verdict = XDP_PASS;
	__u32 known;

	if (!s)
		return XDP_ABORTED;
	parse(ctx, &s->pkt);
	reason = WEIR_R_CONTINUE;
	if (!pkt_is(&s->pkt, PKT_ADDR | PKT_PROTO))
		return XDP_PASS;
	choose_by_ring(&s->choice);
	if (s->pkt.has & PKT_PORTS) {
		known = choose_by_flow(s);
		if (known) {
			s->choice.backend_offset = known;
			s->choice.why = WEIR_WHY_NAT;
		}
	}
	why = s->choice.why;
	reason = nat_forward(ctx, &world.image, s, &verdict);
	return verdict;
}

/* A packet to this host. */
SEC("xdp.frags")
int nat_out(struct xdp_md *ctx)
{
	struct scratch *s = begin();
	int verdict = XDP_PASS;

	if (!s)
		return XDP_ABORTED;
	parse(ctx, &s->pkt);
	reason = WEIR_R_CONTINUE;
	if (nat_comes_back(ctx, &world.image, s))
		reason = nat_return(ctx, &world.image, s, &verdict);
	return verdict;
}

/* A SYN of anybody to the service; it goes nowhere. */
SEC("xdp.frags")
int nat_flood(struct xdp_md *ctx)
{
	struct scratch *s = begin();

	if (!s)
		return XDP_ABORTED;
	parse(ctx, &s->pkt);
	s->pkt.src.word[3] = bpf_get_prandom_u32();
	s->pkt.sport = bpf_get_prandom_u32();
	choose_by_ring(&s->choice);
	if (choose_by_flow(s))
		return XDP_PASS;
	if (nat_begin(&world.image, image_at(&world.image, s->choice.service_offset),
		      image_at(&world.image, s->choice.backend_offset),
		      &s->nat) == WEIR_R_LB_FORWARD)
		__sync_fetch_and_add(&opened, 1);
	else
		__sync_fetch_and_add(&full, 1);
	return XDP_PASS;
}
