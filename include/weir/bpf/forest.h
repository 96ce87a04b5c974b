/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Walking the forest of a filter, all trees in step.
 */
#ifndef WEIR_BPF_FOREST_H
#define WEIR_BPF_FOREST_H

#include "weir/bpf/maps.h"
#include "weir/bpf/packet.h"
#include "weir/classifier.h"

struct keys {
	__u32 key[WEIR_KEY_COUNT];
};

/* @yes where @bit of @has is set, else @no; without a branch, as packets differ. */
static __always_inline __u32 pick(__u16 has, __u16 bit, __u32 yes, __u32 no)
{
	__u32 mask = -(__u32)(has / bit & 1);

	asm volatile("" : "+r"(mask));
	return (yes & mask) | (no & ~mask);
}

static __always_inline void keys_of(struct keys *k, const struct pkt *p)
{
	__u16 has = p->has;

	k->key[WEIR_KEY_SRC_LAST] = bpf_ntohl(p->src.word[3]);
	k->key[WEIR_KEY_DST_LAST] = bpf_ntohl(p->dst.word[3]);
	k->key[WEIR_KEY_SPORT] = pick(has, PKT_PORTS, bpf_ntohs(p->sport), WEIR_ABSENT_SPORT);
	k->key[WEIR_KEY_DPORT] = pick(has, PKT_PORTS, bpf_ntohs(p->dport), WEIR_ABSENT_DPORT);
	k->key[WEIR_KEY_PROTO] = pick(has, PKT_PROTO, p->proto, WEIR_ABSENT_PROTO);
	k->key[WEIR_KEY_ICMP] =
		pick(has, PKT_ICMP, p->icmp_type << 8 | p->icmp_code, WEIR_ABSENT_ICMP);
}

static __always_inline void keys_of_v6(struct keys *k, const struct pkt *p)
{
	for (int i = 0; i < 3; i++) {
		k->key[WEIR_KEY_SRC + i] = bpf_ntohl(p->src.word[i]);
		k->key[WEIR_KEY_DST + i] = bpf_ntohl(p->dst.word[i]);
	}
}

/* What few filters compare, too. */
static __always_inline void keys_of_link(struct keys *k, const struct pkt *p)
{
	k->key[WEIR_KEY_VLAN] = p->has & PKT_TAGGED ? p->vlan : WEIR_ABSENT_VLAN;
	k->key[WEIR_KEY_LENGTH] = p->has & PKT_LENGTH ? p->ip_bytes : WEIR_ABSENT_LENGTH;
	k->key[WEIR_KEY_DMAC] = pkt_dmac(p);
	k->key[WEIR_KEY_SMAC] = pkt_smac(p);
}

/*
 * 1 where @cut is below @value, both of 32 bits, else 0. In assembly, or the
 * compiler makes it a branch that no processor can predict.
 */
static __always_inline __u64 below(__u64 cut, __u64 value)
{
	asm("%0 -= %1\n\t%0 >>= 63" : "+r"(cut) : "r"(value));
	return cut;
}

/*
 * The child of the node at @offset that the packet belongs to; of a leaf, the
 * leaf. Every fourth cut is compared first, then the three between two of those:
 * comparisons side by side wait for one load, a halving each time for four.
 */
static __always_inline __u32 descend(const struct weir_image *image, const struct keys *k,
				     __u32 offset)
{
	const struct weir_node *node = image_at(image, offset);
	__u32 head = node->head;
	__u64 value = k->key[WEIR_NODE_KEY(head)], child;
	const __u32 *cut;

	child = below(node->cut[3], value) + below(node->cut[7], value) +
		below(node->cut[11], value);
	child = child << 2 & 12;
	cut = &node->cut[child];
	child += below(cut[0], value) + below(cut[1], value) + below(cut[2], value);
	return WEIR_NODE_NEXT(head) + (__u32)(child & WEIR_NODE_MASK(head)) * sizeof(*node);
}

static __always_inline __u32 walk_one(const struct weir_image *image,
				      const struct weir_forest *forest, const struct keys *k)
{
	__u32 at = forest->root[0];

#pragma clang loop unroll(disable)
	for (__u32 level = 0; level < WEIR_FOREST_DEPTH && level < forest->depth[0]; level++)
		at = descend(image, k, at);
	return at;
}

/*
 * The leaves that a packet falls into, as offsets of nodes; trees take steps in
 * turn, so that they wait for memory together.
 */
static __always_inline void walk_all(const struct weir_image *image,
				     const struct weir_forest *forest, const struct keys *k,
				     __u32 leaf[WEIR_FOREST_TREES])
{
	for (int t = 0; t < WEIR_FOREST_TREES; t++)
		leaf[t] = forest->root[t];
#pragma clang loop unroll(disable)
	for (__u32 level = 0; level < WEIR_FOREST_DEPTH; level++) {
		bool is_done = true;

#pragma unroll
		for (int t = 0; t < WEIR_FOREST_TREES; t++) {
			if (level >= forest->depth[t])
				continue;
			leaf[t] = descend(image, k, leaf[t]);
			is_done = false;
		}
		if (is_done)
			break;
	}
}

#endif
