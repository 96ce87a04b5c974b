/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The filter: the first rule that matches and decides. The forest names the
 * terms that may hold for the packet, and each is checked in full.
 */
#ifndef WEIR_BPF_FILTER_H
#define WEIR_BPF_FILTER_H

#include "weir/bpf/condition.h"
#include "weir/bpf/forest.h"
#include "weir/bpf/maps.h"
#include "weir/bpf/packet.h"
#include "weir/filter.h"

#define NO_TERM 0xffffffff

/* More steps than any search takes; the kernel's own bound. */
#define STEPS_MAX (1U << 23)

/* Terms of one leaf that are still to be tried: offset of their numbers, and how many. */
struct trial {
	__u32 list;
	__u32 count;
};

/*
 * A search through the leaves that a packet fell into. A round goes through all
 * of them and finds the first term that holds and was not taken before.
 */
struct walk {
	struct keys keys;
	struct trial trial[WEIR_FOREST_TREES]; /* the first is at work; they take turns */
	__u32 trees; /* 1 or all */
	__u32 left; /* trees of this round */
	__u32 best; /* of this round so far */
	__u32 floor; /* terms before it were taken in earlier rounds */
	__u32 terms_offset;
	__u32 reason;
};

/*
 * What a packet is worked on with, one per CPU: too large for the stack, and
 * the verifier, which does not follow what is in a map, checks it faster.
 * Packets are handled with softirqs off, so no two of a CPU meet.
 */
struct scratch {
	struct pkt pkt;
	struct walk walk;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} weir_scratch SEC(".maps");

static __always_inline struct scratch *scratch_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&weir_scratch, &zero);
}

struct search {
	const struct weir_image *image;
	const struct weir_filter *filter;
	struct scratch *scratch;
};

/* How many of the high bits of half an address a prefix compares. */
const volatile __u64 half_masks[128] = {
#define MASK(n) [n] = ~0ULL << (64 - (n))
#define MASKS(n)                                                                            \
	MASK(n), MASK((n) + 1), MASK((n) + 2), MASK((n) + 3), MASK((n) + 4), MASK((n) + 5), \
		MASK((n) + 6), MASK((n) + 7)
	MASKS(1), MASKS(9), MASKS(17), MASKS(25), MASKS(33), MASKS(41), MASKS(49), MASKS(57),
#undef MASKS
#undef MASK
};

static __always_inline __u64 differs(__u64 a, __u64 b, __u8 bits)
{
	return (a ^ b) & half_masks[bits & 127];
}

static __always_inline bool term_holds(const struct weir_term *t, const struct pkt *p)
{
	__u16 sport = bpf_ntohs(p->sport), dport = bpf_ntohs(p->dport);
	__u64 wrong;

	wrong = differs(t->src_lo, bpf_be64_to_cpu(p->src.half[1]), t->src_lo_bits);
	wrong |= differs(t->src_hi, bpf_be64_to_cpu(p->src.half[0]), t->src_hi_bits);
	wrong |= differs(t->dst_lo, bpf_be64_to_cpu(p->dst.half[1]), t->dst_lo_bits);
	wrong |= differs(t->dst_hi, bpf_be64_to_cpu(p->dst.half[0]), t->dst_hi_bits);
	wrong |= (t->proto ^ p->proto) & t->proto_mask;
	wrong |= (t->tcp_value ^ p->tcp_flags) & t->tcp_mask;
	wrong |= t->needs & ~p->has;
	if (wrong)
		return false;
	if (!(t->needs & PKT_PORTS))
		return true;
	return t->sport_first <= sport && sport <= t->sport_last && t->dport_first <= dport &&
	       dport <= t->dport_last;
}

static __always_inline void judge_by_default(const struct search *s)
{
	const struct weir_filter *f = s->filter;
	const struct pkt *p = &s->scratch->pkt;

	if (!(p->has & PKT_IP))
		return;
	count(&weir_rules, f->default_id, p->bytes);
	s->scratch->walk.reason =
		f->default_action == WEIR_ACTION_PASS ? WEIR_R_FILTER_PASS : WEIR_R_FILTER_DEFAULT;
}

static __always_inline const struct weir_term *term_at(const struct search *s, __u32 number)
{
	return image_at(s->image,
			s->scratch->walk.terms_offset + number * sizeof(struct weir_term));
}

/* What the rule of w->best does. Returns 1 where it decides, else another round begins. */
static __always_inline long act(struct search *s)
{
	struct walk *w = &s->scratch->walk;
	const struct weir_term *t = term_at(s, w->best);

	count(&weir_rules, t->id, s->scratch->pkt.bytes);
	switch (t->action) {
	case WEIR_ACTION_PASS:
		w->reason = WEIR_R_FILTER_PASS;
		return 1;
	case WEIR_ACTION_DROP:
		w->reason = WEIR_R_FILTER_DROP;
		return 1;
	}
	w->floor = w->best + 1;
	w->best = NO_TERM;
	w->left = w->trees;
	return 0;
}

static __always_inline long end_round(struct search *s)
{
	if (s->scratch->walk.best != NO_TERM)
		return act(s);
	judge_by_default(s);
	return 1;
}

static __always_inline long end_tree(struct search *s)
{
	struct walk *w = &s->scratch->walk;
	struct trial done = w->trial[0];

	if (w->trees > 1) {
		w->trial[0] = w->trial[1];
		w->trial[1] = w->trial[2];
		w->trial[2] = w->trial[3];
		w->trial[3] = done;
	}
	return --w->left ? 0 : end_round(s);
}

static __always_inline bool holds(const struct search *s, __u32 number)
{
	const struct weir_term *t = term_at(s, number);

	if (!term_holds(t, &s->scratch->pkt))
		return false;
	return !t->conditions_count || conditions_hold(s->image, t, &s->scratch->pkt);
}

/* Try one term, or go on to the next tree. Returns 1 when the packet is judged. */
static long step(__u32 unused, struct search *s)
{
	struct walk *w = &s->scratch->walk;
	const __u32 *number;

	if (!w->trial[0].count)
		return end_tree(s);
	number = image_at(s->image, w->trial[0].list);
	if (*number >= w->best)
		return end_tree(s);
	if (*number >= w->floor && holds(s, *number)) {
		w->best = *number;
		return end_tree(s);
	}
	w->trial[0].list += sizeof(*number);
	w->trial[0].count--;
	return 0;
}

static __always_inline void begin(const struct search *s, const struct weir_forest *forest)
{
	struct walk *w = &s->scratch->walk;
	__u32 leaf[WEIR_FOREST_TREES];

	keys_of(&w->keys, &s->scratch->pkt);
	forest_walk(s->image, forest, &w->keys, leaf);
#pragma unroll
	for (int t = 0; t < WEIR_FOREST_TREES; t++) {
		const struct weir_node *node = image_at(s->image, leaf[t]);

		w->trial[t].list = node->terms;
		w->trial[t].count = node->count;
	}
	w->trees = w->left = forest->trees;
	w->best = NO_TERM;
	w->floor = 0;
	w->terms_offset = s->filter->terms_offset;
}

static __always_inline enum weir_family family_of(const struct pkt *p)
{
	if (!(p->has & PKT_ADDR))
		return WEIR_FAMILY_OTHER;
	return p->is_v6 ? WEIR_FAMILY_V6 : WEIR_FAMILY_V4;
}

/*
 * Run a filter over the packet in @scratch, parsed as deep as the filter reads.
 * A frame that is not IP is judged only by rules that ask for what every frame
 * has, and not by the default: a default of drop would cut ARP.
 *
 * Returns an enum weir_reason.
 */
static __noinline int filter_run(const struct weir_image *image, const struct weir_filter *f,
				 struct scratch *scratch)
{
	struct search s = { .image = image, .filter = f, .scratch = scratch };
	const struct weir_forest *forest;

	scratch->walk.reason = WEIR_R_CONTINUE;
	if (!(scratch->pkt.has & PKT_IP) && !f->judges_all)
		return WEIR_R_CONTINUE;
	forest = &f->forest[family_of(&scratch->pkt)];
	if (!forest->trees) {
		judge_by_default(&s);
		return scratch->walk.reason;
	}
	begin(&s, forest);
	bpf_loop(STEPS_MAX, step, &s, 0);
	return scratch->walk.reason;
}

static __always_inline enum weir_reason
filter(const struct weir_image *image, const struct weir_device *device, struct scratch *scratch)
{
	return filter_run(image, image_at(image, device->filter_offset), scratch);
}

#endif
