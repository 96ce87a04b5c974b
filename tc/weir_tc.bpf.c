// SPDX-License-Identifier: GPL-2.0-only
/*
 * weir at the qdisc. Ingress filters and times where the interface has no XDP
 * program, ahead of the programs of others; egress times.
 */
#include <linux/pkt_cls.h>

#include "weir/bpf/filter.h"
#include "weir/bpf/latency.h"
#include "weir/bpf/maps.h"
#include "weir/bpf/packet.h"

char LICENSE[] SEC("license") = "GPL";

/* Ethernet, two tags, IPv6, some extensions, TCP with all its options. */
#define TC_HEADER_BYTES 192

static __always_inline bool is_dropped(enum weir_reason reason)
{
	return reason == WEIR_R_FILTER_DROP || reason == WEIR_R_FILTER_DEFAULT;
}

/* Ours to pass is the next program's to decide: -1 is TCX_NEXT and TC_ACT_UNSPEC. */
static __always_inline int finish(const struct pkt *p, enum weir_reason reason)
{
	count_reason(reason, p->bytes);
	return is_dropped(reason) ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

/*
 * Not inlined, so that no pointer into the packet outlives it: the verifier
 * would follow each way to parse a frame through all stages. Returns 0.
 */
static __noinline int parse(struct __sk_buff *skb, struct pkt *p)
{
	pkt_init(p, skb->len, skb->vlan_present ? PKT_TAGGED : 0);
	p->vlan = skb->vlan_tci & 0xfff;
	pkt_parse((void *)(long)skb->data, (void *)(long)skb->data_end, p, WEIR_DEPTH_ALL);
	return 0;
}

/* Headers may lie outside the linear part; where they can't be pulled in, they end there. */
static __always_inline void pull_headers(struct __sk_buff *skb)
{
	__u32 want = skb->len < TC_HEADER_BYTES ? skb->len : TC_HEADER_BYTES;

	if ((void *)(long)skb->data + want > (void *)(long)skb->data_end)
		bpf_skb_pull_data(skb, want);
}

static __always_inline void measure(struct __sk_buff *skb, const struct pkt *p,
				    enum weir_direction sender)
{
	latency_observe((void *)(long)skb->data, (void *)(long)skb->data_end, p, sender, 0);
}

SEC("tc")
int weir_ingress(struct __sk_buff *skb)
{
	const struct weir_image *image = image_in_force();
	enum weir_reason reason = WEIR_R_CONTINUE;
	struct scratch *scratch = scratch_get();
	const struct weir_device *device;
	struct pkt *p;

	if (!scratch)
		return TC_ACT_UNSPEC;
	p = &scratch->pkt;
	pull_headers(skb);
	parse(skb, p);
	if (!image)
		return finish(p, WEIR_R_NO_IMAGE);
	device = device_row(image);
	if (stage_is_on(device, WEIR_STAGE_FILTER))
		reason = filter(image, device, scratch);
	if (is_dropped(reason))
		return finish(p, reason);
	if (stage_is_on(device, WEIR_STAGE_MEASURE))
		measure(skb, p, WEIR_DIR_WIRE);
	return finish(p, reason);
}

/*
 * Times what leaves; it is counted where it came in. Nothing is pulled: the
 * host's own packets have all headers in the linear part and the payload
 * outside, and a copy of that is too much to pay for a sample.
 */
SEC("tc")
int weir_egress(struct __sk_buff *skb)
{
	const struct weir_image *image = image_in_force();
	struct scratch *scratch = scratch_get();

	if (!image || !scratch || !stage_is_on(device_row(image), WEIR_STAGE_MEASURE))
		return TC_ACT_UNSPEC;
	parse(skb, &scratch->pkt);
	measure(skb, &scratch->pkt, WEIR_DIR_HOST);
	return TC_ACT_UNSPEC;
}
