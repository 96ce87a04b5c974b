// SPDX-License-Identifier: GPL-2.0-only
/*
 * weir at the driver. One program per interface, specialised at load: parse,
 * decap, filter, balance, time, forward, finish.
 */
#include "weir/bpf/filter.h"
#include "weir/bpf/latency.h"
#include "weir/bpf/maps.h"
#include "weir/bpf/packet.h"

#include "balance.h"
#include "decap.h"
#include "expr.h"
#include "filter.h"
#include "forward.h"
#include "hook.h"
#include "lb_icmp.h"
#include "mark.h"
#include "nat_fragment.h"
#include "parse.h"
#include "path.h"
#include "plain.h"
#include "reject.h"

char LICENSE[] SEC("license") = "GPL";

/*
 * A table and no branch: pass and drop follow each other as no processor can
 * predict.
 *
 * @sent  verdict of a packet that weir sends itself
 */
static __always_inline int finish(const struct scratch *scratch, __u32 bytes,
				  enum weir_reason reason, int sent)
{
	enum { FORWARD = 0xff };
	static const __u8 verdict[] = {
#define PASS XDP_PASS
#define DROP XDP_DROP
#define X(sym, name, fate, text) [WEIR_R_##sym] = fate,
		WEIR_REASONS(X)
#undef X
#undef DROP
#undef PASS
	};
	__u32 index = reason;
	int fate;

	count_reason(&scratch->first, reason, bytes);
	/* The compiler knows the reasons, and would leave out what the verifier wants. */
	asm volatile("" : "+r"(index));
	fate = index < WEIR_R_COUNT ? verdict[index] : XDP_PASS;
	return fate == FORWARD ? sent : fate;
}

static __always_inline bool is_dropped(enum weir_reason reason)
{
	return filter_drops(reason) || reason == WEIR_R_DECAP_ERROR || reason == WEIR_R_DECAP_ECN;
}

/* Of a packet, for admit_round(): the rest lies in its scratch. */
struct admission {
	struct xdp_md *ctx;
	const struct weir_image *image;
};

/*
 * Filter, and take a tunnel header off. Returns 0 where what was inside is to
 * be filtered as well, in the second @round, else 1.
 */
static long admit_round(__u32 round, struct admission *a)
{
	const struct weir_device *device = device_row(a->image);
	struct scratch *scratch = scratch_get();
	enum weir_reason unwrapped;

	if (!scratch)
		return 1;
	if (stage_is_on(device, WEIR_STAGE_FILTER))
		scratch->admitted = filter(a->ctx, a->image, device, scratch);
	if (round || !stage_is_on(device, WEIR_STAGE_DECAP) || is_dropped(scratch->admitted))
		return 1;
	unwrapped = decap(a->ctx, a->image, &scratch->pkt);
	if (unwrapped != WEIR_R_CONTINUE)
		scratch->admitted = unwrapped;
	return unwrapped != WEIR_R_DECAP;
}

/*
 * Filter, and where a tunnel header comes off, filter what was inside as well:
 * rules say who may send tunnels here, and what they may carry. Two rounds of a
 * loop and not two calls, as the verifier would follow each.
 */
static __always_inline enum weir_reason admit(struct xdp_md *ctx, const struct weir_image *image,
					      const struct weir_device *device,
					      struct scratch *scratch)
{
	struct admission a = { ctx, image };

	if (weir.stages & 1U << WEIR_STAGE_DECAP) {
		scratch->admitted = WEIR_R_CONTINUE;
		bpf_loop(2, admit_round, &a, 0);
		return scratch->admitted;
	}
	if (!stage_is_on(device, WEIR_STAGE_FILTER))
		return WEIR_R_CONTINUE;
	return filter(ctx, image, device, scratch);
}

/* A filter by itself may read little; every other stage reads all. */
static __always_inline enum weir_depth depth_wanted(const struct weir_image *image,
						    const struct weir_device *device)
{
	if (weir.stages & ~(1U << WEIR_STAGE_FILTER))
		return WEIR_DEPTH_ALL;
	return filter_of(image, device)->depth;
}

LATENCY_OF(measure, struct xdp_md, WEIR_DIR_WIRE, 0, (__u32)bpf_xdp_get_buff_len(ctx),
	   ingress_ifindex)

/* Not inlined, as the filter's calls need the stack. Returns 0. */
static __noinline KEEPS_RETURN int ask_conn(const struct weir_image *image, const struct pkt *p)
{
	conn_ask(image, p);
	return 0;
}

static __always_inline enum weir_reason reject(struct xdp_md *ctx, const struct pkt *p,
					       int *verdict)
{
	__u32 result = reject_xdp(ctx, p, REJECT_ACTION);

	*verdict = result >> 16;
	return result & 0xffff;
}

/* Not inlined: the verifier would follow each of its ends through all that comes after. */
static __noinline int balance(struct xdp_md *ctx, const struct weir_image *image,
			      struct scratch *scratch, int *verdict)
{
	const struct pkt *p = &scratch->pkt;
	enum weir_reason reason;

	if (is_needed(WEIR_NEED_NAT) && nat_answers(ctx, image, scratch))
		return WEIR_R_LB_NAT_RETURN;
	if (pmtu_is_wanted() && conn_is_icmp(p))
		pmtu_hear(ctx);
	/* Alone, it has looked already. */
	if (weir.stages != 1U << WEIR_STAGE_BALANCE &&
	    (!(p->has & PKT_ADDR) ||
	     !vip_find(image, &scratch->choice, p->dst.half[0], p->dst.half[1], p->is_v6)))
		return WEIR_R_CONTINUE;
	if (conn_is_icmp(p)) {
		reason = balance_icmp(ctx, image, scratch, verdict);
		if (reason != WEIR_R_CONTINUE)
			return reason;
	}
	return balance_choose(ctx, image, scratch);
}

/* Of a service without a backend: tell the sender, where the service wants that. */
static __always_inline enum weir_reason balance_empty(struct xdp_md *ctx,
						      const struct weir_image *image,
						      const struct scratch *scratch, int *verdict)
{
	if (!(choice_service(image, &scratch->choice)->flags & WEIR_SERVICE_EMPTY_REJECT))
		return WEIR_R_LB_NO_BACKEND;
	if (reject(ctx, &scratch->pkt, verdict) == WEIR_R_FILTER_REJECT)
		return WEIR_R_LB_REJECT;
	return WEIR_R_LB_NO_BACKEND;
}

/* A packet of no VIP: there is nothing to do but to hear what it says of a path. */
static __always_inline enum weir_reason nobodys(struct xdp_md *ctx)
{
	if (pmtu_is_wanted())
		pmtu_hear(ctx);
	return WEIR_R_CONTINUE;
}

/*
 * What the stages make of a packet. A stage that lets it go on leaves the
 * reason of the last one that had something to say.
 */
static __always_inline enum weir_reason run(struct xdp_md *ctx, struct scratch *scratch,
					    const struct weir_image *image, int *verdict)
{
	struct pkt *p = &scratch->pkt;
	enum weir_reason reason, chosen = WEIR_R_CONTINUE;
	const struct weir_device *device;

	if (!image)
		return WEIR_R_NO_IMAGE;
	if (weir.stages == 1U << WEIR_STAGE_BALANCE && !vip_glance(ctx, image, &scratch->choice))
		return nobodys(ctx);
	device = device_row(image);
	if (weir.stages)
		parse(ctx, p, depth_wanted(image, device));
	if (stage_is_on(device, WEIR_STAGE_PATH))
		path_at_driver(ctx, image, p);

	reason = forget(admit(ctx, image, device, scratch), p->bytes);
	if (weir.stages & 1U << WEIR_STAGE_FILTER && reason == WEIR_R_FILTER_REJECT)
		return reject(ctx, p, verdict);
	if (weir.stages & ~(1U << WEIR_STAGE_FILTER) && is_dropped(reason))
		return reason;
	if (stage_is_on(device, WEIR_STAGE_TRACK))
		ask_conn(image, p);

	if (stage_is_on(device, WEIR_STAGE_BALANCE))
		chosen = balance(ctx, image, scratch, verdict);
	if (stage_is_on(device, WEIR_STAGE_MEASURE))
		measure(ctx, p, &scratch->timed,
			chosen == WEIR_R_LB_FORWARD
				? choice_backend(image, &scratch->choice)->id + 1
				: 0);
	if (is_needed(WEIR_NEED_REJECT) && chosen == WEIR_R_LB_NO_BACKEND)
		return balance_empty(ctx, image, scratch, verdict);
	if (is_needed(WEIR_NEED_SYNCOOKIE) &&
	    (chosen == WEIR_R_LB_SYNCOOKIE || chosen == WEIR_R_LB_SYNCOOKIE_VERIFIED))
		return syncookie_answer(ctx, p, chosen, verdict);
	if (is_needed(WEIR_NEED_NAT) && chosen == WEIR_R_LB_NAT_RETURN)
		return nat_return(ctx, image, scratch, verdict);
	if (chosen == WEIR_R_LB_FORWARD &&
	    balance_translates(choice_service(image, &scratch->choice)))
		return nat_forward(ctx, image, scratch, verdict);
	if (chosen == WEIR_R_LB_FORWARD)
		return forward(ctx, image, scratch, verdict);
	return chosen == WEIR_R_CONTINUE ? reason : chosen;
}

/* Whether the short way was one for the packet, and nothing else is to be done with it. */
static __always_inline bool is_measured(struct xdp_md *ctx, struct scratch *scratch, __u32 bytes)
{
	int took = measure_alone(ctx);

	if (took > 0 && latency_is_asked(took)) {
		pkt_init(&scratch->pkt, bytes, 0);
		parse(ctx, &scratch->pkt, WEIR_DEPTH_ALL);
		measure_tell(ctx, &scratch->pkt, &scratch->timed, took);
	}
	return took != LATENCY_OTHER;
}

SEC("xdp.frags")
int weir_xdp(struct xdp_md *ctx)
{
	const struct weir_image *image = image_in_force();
	enum weir_reason reason;
	struct scratch *scratch = scratch_get();
	int verdict = XDP_PASS, short_way;
	__u32 bytes;

	if (!scratch)
		return XDP_PASS;
	bytes = bpf_xdp_get_buff_len(ctx);
	if (weir.stages == 1U << WEIR_STAGE_FILTER && image) {
		reason = filter_short(ctx, image, scratch, bytes);
		if (reason != SHORT_OTHER)
			return finish(scratch, bytes, reason, XDP_PASS);
	}
	if (weir.stages == 1U << WEIR_STAGE_BALANCE && image) {
		short_way = plain(ctx, image, scratch, bytes);
		if (short_way != PLAIN_OTHER)
			return finish(scratch, bytes, short_way & 0xffff, short_way >> 16);
	}
	if (LATENCY_IS_ALONE && image && stage_is_on(device_row(image), WEIR_STAGE_MEASURE) &&
	    is_measured(ctx, scratch, bytes))
		return finish(scratch, bytes, WEIR_R_CONTINUE, XDP_PASS);
	pkt_init(&scratch->pkt, bytes, 0);
	reason = run(ctx, scratch, image, &verdict);
	verdict = finish(scratch, scratch->pkt.bytes, reason, verdict);
	if (weir.stages & 1U << WEIR_STAGE_FILTER)
		filter_tell(scratch, reason);
	if (weir.stages & 1U << WEIR_STAGE_MARK && verdict == XDP_PASS)
		hand_mark_on(ctx, &scratch->pkt);
	return verdict;
}
