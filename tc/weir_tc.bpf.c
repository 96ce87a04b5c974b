// SPDX-License-Identifier: GPL-2.0-only
/*
 * weir at the qdisc. Ingress filters and times where the interface has no XDP
 * program, ahead of the programs of others; egress filters, notes and times.
 */
#include <linux/pkt_cls.h>

#include "weir/bpf/filter.h"
#include "weir/bpf/latency.h"
#include "weir/bpf/maps.h"
#include "weir/bpf/packet.h"
#include "weir/bpf/packet_plain.h"

#include "expr.h"
#include "hook.h"
#include "mark.h"
#include "reject.h"
#include "return.h"

char LICENSE[] SEC("license") = "GPL";

/* Ethernet, two tags, IPv6, some extensions, TCP with all its options. */
#define TC_HEADER_BYTES 192

static __always_inline void tell(struct scratch *scratch, enum weir_reason reason)
{
	if (weir.stages & (1U << WEIR_STAGE_FILTER | 1U << WEIR_STAGE_EGRESS))
		filter_tell(scratch, reason);
}

/* Ours to pass is the next program's to decide: -1 is TCX_NEXT and TC_ACT_UNSPEC. */
static __always_inline int finish(struct scratch *scratch, enum weir_reason reason)
{
	count_reason(&scratch->first, reason, scratch->pkt.bytes);
	tell(scratch, reason);
	return filter_drops(reason) ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

/* @result is REJECT_RESULT(). */
static __always_inline int finish_rejected(struct scratch *scratch, __u32 result)
{
	count_reason(&scratch->first, result & 0xffff, scratch->pkt.bytes);
	tell(scratch, result & 0xffff);
	return result >> 16;
}

/* What a container answers leaves from here; all else goes on as @reason says. */
static __always_inline int finish_returned(struct __sk_buff *skb, const struct weir_image *image,
					   struct scratch *scratch, enum weir_reason reason)
{
	int result = return_local(skb, image, &scratch->pkt, &scratch->nat);

	if ((result & 0xffff) == WEIR_R_CONTINUE)
		return finish(scratch, reason);
	count_reason(&scratch->first, result & 0xffff, scratch->pkt.bytes);
	tell(scratch, result & 0xffff);
	return result >> 16; /* signed: it may be left to the next program */
}

/*
 * Not inlined, so that no pointer into the packet outlives it: the verifier
 * would follow each way to parse a frame through all stages. Returns 0.
 */
static __noinline KEEPS_RETURN int parse(struct __sk_buff *skb, struct pkt *p, __u16 has)
{
	void *data = (void *)(long)skb->data, *data_end = (void *)(long)skb->data_end;

	pkt_init(p, skb->len, skb->vlan_present ? has | PKT_TAGGED : has);
	p->vlan = skb->vlan_tci & 0xfff;
	if (!pkt_parse_plain(data, data_end, p))
		pkt_parse(data, data_end, p, WEIR_DEPTH_ALL);
	return 0;
}

/* Headers may lie outside the linear part; where they can't be pulled in, they end there. */
static __always_inline void pull_headers(struct __sk_buff *skb)
{
	__u32 want = skb->len < TC_HEADER_BYTES ? skb->len : TC_HEADER_BYTES;

	if ((void *)(long)skb->data + want > (void *)(long)skb->data_end)
		bpf_skb_pull_data(skb, want);
}

LATENCY_OF(measure_ingress, struct __sk_buff, WEIR_DIR_WIRE, ctx->gso_size, ctx->len, ifindex)
LATENCY_OF(measure_egress, struct __sk_buff, WEIR_DIR_HOST, ctx->gso_size, ctx->len, ifindex)

/* Not inlined, as the filter's calls need the stack. These return 0. */
static __noinline KEEPS_RETURN int ask_conn(const struct weir_image *image, const struct pkt *p)
{
	conn_ask(image, p);
	return 0;
}

static __noinline KEEPS_RETURN int note_conn(struct __sk_buff *skb, const struct weir_image *image,
					     const struct pkt *p)
{
	conn_note(image, (void *)(long)skb->data, (void *)(long)skb->data_end, p);
	return 0;
}

/* The mark of a rule, if there is one, stays with the packet. */
static __always_inline void keep_mark(struct __sk_buff *skb, const struct pkt *p)
{
	if (p->has & PKT_MARKED)
		skb->mark = p->mark;
}

/* Whether the short way was one for the packet, and nothing else is to be done with it. */
static __always_inline bool ingress_is_measured(struct __sk_buff *skb, struct scratch *scratch)
{
	int took = measure_ingress_alone(skb);

	if (took > 0 && latency_is_asked(took)) {
		parse(skb, &scratch->pkt, 0);
		measure_ingress_tell(skb, &scratch->pkt, &scratch->timed, took);
	}
	return took != LATENCY_OTHER;
}

static __always_inline bool egress_is_measured(struct __sk_buff *skb, struct scratch *scratch)
{
	int took = measure_egress_alone(skb);

	if (took > 0 && latency_is_asked(took)) {
		parse(skb, &scratch->pkt, PKT_LEAVES);
		measure_egress_tell(skb, &scratch->pkt, &scratch->timed, took);
	}
	return took != LATENCY_OTHER;
}

SEC("tc")
int weir_ingress(struct __sk_buff *skb)
{
	const struct weir_image *image = image_in_force();
	enum weir_reason reason = WEIR_R_CONTINUE;
	struct scratch *scratch = scratch_get();
	const struct weir_device *device;
	struct pkt *p;

	if (!scratch || !weir.stages)
		return TC_ACT_UNSPEC;
	if (skb->tc_index == REJECT_ANSWER) {
		skb->tc_index = 0;
		return TC_ACT_UNSPEC;
	}
	if (weir.stages & 1U << WEIR_STAGE_MARK)
		take_mark(skb);
	if (weir.stages == 1U << WEIR_STAGE_MARK) /* the rest was XDP's */
		return TC_ACT_UNSPEC;
	if (LATENCY_IS_ALONE && image && stage_is_on(device_row(image), WEIR_STAGE_MEASURE) &&
	    ingress_is_measured(skb, scratch)) {
		count_reason(&scratch->first, WEIR_R_CONTINUE, skb->len);
		return TC_ACT_UNSPEC;
	}
	p = &scratch->pkt;
	pull_headers(skb);
	parse(skb, p, 0);
	if (!image)
		return finish(scratch, WEIR_R_NO_IMAGE);
	device = device_row(image);
	if (stage_is_on(device, WEIR_STAGE_FILTER))
		reason = filter(skb, image, device, scratch);
	if (reason == WEIR_R_FILTER_REJECT)
		return finish_rejected(scratch, reject_ingress(skb, p));
	if (filter_drops(reason))
		return finish(scratch, reason);
	keep_mark(skb, p);
	if (stage_is_on(device, WEIR_STAGE_TRACK))
		ask_conn(image, p);
	if (stage_is_on(device, WEIR_STAGE_MEASURE))
		measure_ingress(skb, p, &scratch->timed, 0);
	if (stage_is_on(device, WEIR_STAGE_RETURN))
		return finish_returned(skb, image, scratch, reason);
	return finish(scratch, reason);
}

/* What is to leave, through the filter for it. */
static __always_inline enum weir_reason filter_egress(struct __sk_buff *skb,
						      const struct weir_image *image,
						      const struct weir_device *device,
						      struct scratch *scratch)
{
	if (!stage_is_on(device, WEIR_STAGE_EGRESS))
		return WEIR_R_CONTINUE;
	return filter_run(skb, image, image_at(image, device->egress_offset), scratch);
}

/*
 * Filters, notes and times what leaves. Every packet is counted where it came
 * in; here only what the filter takes out. Without a filter nothing is pulled:
 * the host's own packets have all headers in the linear part and the payload
 * outside, and a copy of that is too much to pay for a sample.
 */
SEC("tc")
int weir_egress(struct __sk_buff *skb)
{
	const struct weir_image *image = image_in_force();
	struct scratch *scratch = scratch_get();
	const struct weir_device *device;
	enum weir_reason reason;
	struct pkt *p;

	if (!image || !scratch)
		return TC_ACT_UNSPEC;
	device = device_row(image);
	if (!(weir.stages & device->stages))
		return TC_ACT_UNSPEC;
	if (LATENCY_IS_ALONE && egress_is_measured(skb, scratch))
		return TC_ACT_UNSPEC;
	p = &scratch->pkt;
	if (stage_is_on(device, WEIR_STAGE_EGRESS))
		pull_headers(skb);
	parse(skb, p, PKT_LEAVES);
	reason = filter_egress(skb, image, device, scratch);
	if (reason == WEIR_R_FILTER_REJECT)
		return finish_rejected(scratch, reject_egress(skb, p));
	if (filter_drops(reason))
		return finish(scratch, reason);
	keep_mark(skb, p);
	if (stage_is_on(device, WEIR_STAGE_TRACK))
		note_conn(skb, image, p);
	if (stage_is_on(device, WEIR_STAGE_MEASURE))
		measure_egress(skb, p, &scratch->timed, 0);
	tell(scratch, reason);
	return TC_ACT_UNSPEC;
}
