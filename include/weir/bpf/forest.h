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

static __always_inline void keys_of(struct keys *k, const struct pkt *p)
{
	bool ports = p->has & PKT_PORTS;

	for (int i = 0; i < 4; i++) {
		k->key[WEIR_KEY_SRC + i] = bpf_ntohl(p->src.word[i]);
		k->key[WEIR_KEY_DST + i] = bpf_ntohl(p->dst.word[i]);
	}
	k->key[WEIR_KEY_SPORT] = ports ? bpf_ntohs(p->sport) : WEIR_ABSENT_SPORT;
	k->key[WEIR_KEY_DPORT] = ports ? bpf_ntohs(p->dport) : WEIR_ABSENT_DPORT;
	k->key[WEIR_KEY_PROTO] = p->has & PKT_PROTO ? p->proto : WEIR_ABSENT_PROTO;
	k->key[WEIR_KEY_ICMP] =
		p->has & PKT_ICMP ? p->icmp_type << 8 | p->icmp_code : WEIR_ABSENT_ICMP;
	k->key[WEIR_KEY_VLAN] = p->has & PKT_TAGGED ? p->vlan : WEIR_ABSENT_VLAN;
	k->key[WEIR_KEY_LENGTH] = p->has & PKT_LENGTH ? p->ip_bytes : WEIR_ABSENT_LENGTH;
	k->key[WEIR_KEY_DMAC] = pkt_dmac(p);
	k->key[WEIR_KEY_SMAC] = pkt_smac(p);
}

/*
 * Add 1 to @child where @cut is below @value. In assembly, so that the compiler
 * does not keep all comparisons first and run out of registers.
 */
static __always_inline void pass_cut(__u64 *child, __u64 cut, __u64 value)
{
	asm volatile("%1 -= %2\n\t%1 >>= 63\n\t%0 += %1" : "+r"(*child), "+r"(cut) : "r"(value));
}

/* The child of the node at @offset that the packet belongs to; of a leaf, the leaf. */
static __always_inline __u32 descend(const struct weir_image *image, const struct keys *k,
				     __u32 offset)
{
	const struct weir_node *node = image_at(image, offset);
	__u64 value = k->key[node->key & (WEIR_KEY_COUNT - 1)], child = 0;

#pragma unroll
	for (int i = 0; i < WEIR_NODE_CUTS; i++)
		pass_cut(&child, node->cut[i], value);
	return node->next + (child & node->mask) * sizeof(*node);
}

/* The leaves that a packet falls into, as offsets of nodes. */
static __always_inline void forest_walk(const struct weir_image *image,
					const struct weir_forest *forest, const struct keys *k,
					__u32 leaf[WEIR_FOREST_TREES])
{
	for (int t = 0; t < WEIR_FOREST_TREES; t++)
		leaf[t] = forest->root[t];
#pragma clang loop unroll(disable)
	for (__u32 level = 0; level < WEIR_FOREST_DEPTH && level < forest->depth; level++) {
#pragma unroll
		for (int t = 0; t < WEIR_FOREST_TREES; t++)
			leaf[t] = descend(image, k, leaf[t]);
	}
}

#endif
