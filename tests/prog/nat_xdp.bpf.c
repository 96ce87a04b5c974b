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

/* As the datapath has it: in a map, and no pointer that outlives the parser. */
static struct pkt packet;
static struct nat flow;

static __noinline int parse(struct xdp_md *ctx)
{
	pkt_init(&packet, bpf_xdp_get_buff_len(ctx), 0);
	pkt_parse((void *)(long)ctx->data, (void *)(long)ctx->data_end, &packet, WEIR_DEPTH_ALL);
	return 0;
}

/* A packet of a client to the service, for which the ring would say @backend. */
SEC("xdp.frags")
int nat_in(struct xdp_md *ctx)
{
	struct choice choice = {
		.service_offset = offsetof(struct nat_world, services) +
				  service * sizeof(struct weir_service),
		.backend_offset = offsetof(struct nat_world, backends) +
				  backend * sizeof(struct weir_backend),
		.why = WEIR_WHY_RING,
	};
	__u32 known;
	int result;

	parse(ctx);
	if (packet.has & PKT_PORTS) {
		known = nat_choose(&world.image, &packet, &flow);
		if (known) {
			choice.backend_offset = known;
			choice.why = WEIR_WHY_NAT;
		}
	}
	why = choice.why;
	result = nat_forward(ctx, &world.image, &packet, &flow, &choice);
	reason = result & 0xffff;
	return result >> 16;
}

/* A packet to this host. */
SEC("xdp.frags")
int nat_out(struct xdp_md *ctx)
{
	int result;

	parse(ctx);
	result = nat_return(ctx, &world.image, &packet, &flow);
	reason = result & 0xffff;
	return result >> 16;
}
