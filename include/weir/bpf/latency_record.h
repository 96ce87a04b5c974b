/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where samples go: histograms of the device, the backend and the client's
 * prefix, and the heat map. And the counters of what was not timed.
 */
#ifndef WEIR_BPF_LATENCY_RECORD_H
#define WEIR_BPF_LATENCY_RECORD_H

#include "weir/bpf/maps.h"
#include "weir/bpf/timed.h"

/* 4.6 minutes, a quarter of the clock: more is a clock that went round, not a round trip. */
#define LATENCY_MAX_TICKS (1U << 30)

/*
 * Global functions are verified once, whoever calls them, and a kernel before
 * 6.8 does so whether anybody calls them or not: so each asks by itself.
 */
#define LATENCY_IS_OFF (!(weir.stages & 1U << WEIR_STAGE_MEASURE))

/* The clock costs more than all else, so it is read for packets that are timed, and once. */
static __always_inline __u32 latency_now(struct timed *t)
{
	if (!t->now) {
		t->ns = bpf_ktime_get_ns();
		t->now = (__u32)(t->ns >> WEIR_TICK_SHIFT) ?: 1;
	}
	return t->now;
}

static __always_inline void latency_count(enum weir_direction sender, enum weir_loss_kind kind)
{
	__u32 index = weir.device * WEIR_DIR_COUNT + sender;
	struct weir_loss *loss = bpf_map_lookup_elem(&weir_losses, &index);

	if (loss)
		loss->count[kind]++;
}

/* Returns 0. */
__noinline int latency_count_rare(__u32 sender, __u32 kind)
{
	__u32 index = weir.device * WEIR_DIR_COUNT + sender;
	struct weir_loss *loss;

	if (LATENCY_IS_OFF)
		return 0;
	loss = bpf_map_lookup_elem(&weir_losses, &index);
	if (loss && kind < WEIR_LOSS_COUNT)
		loss->count[kind]++;
	return 0;
}

static __always_inline void latency_hist_add(struct weir_hist *hist, __u32 bucket, __u32 ticks)
{
	hist->bucket[bucket]++;
	hist->sum += ticks;
	if (ticks + 1 < hist->min_plus_1 || !hist->min_plus_1)
		hist->min_plus_1 = ticks + 1;
	if (ticks > hist->max)
		hist->max = ticks;
}

static __always_inline void latency_record(__u32 histogram, __u32 bucket, __u32 ticks)
{
	struct weir_hist *hist = bpf_map_lookup_elem(&weir_hists, &histogram);

	if (hist && bucket < WEIR_HIST_BUCKETS)
		latency_hist_add(hist, bucket, ticks);
}

struct heat_flush {
	struct weir_heat_column *from, *to;
};

static long heat_flush_bucket(__u32 i, struct heat_flush *f)
{
	if (i >= WEIR_HEAT_BUCKETS)
		return 1;
	if (f->from->bucket[i])
		__sync_fetch_and_add(&f->to->bucket[i], f->from->bucket[i]);
	f->from->bucket[i] = 0;
	return 0;
}

/*
 * A CPU's column is full: add it to that of all. Whoever is the first there in
 * a turn of the ring takes away what is 256 columns old; who adds at the very
 * same moment may lose what it adds. Returns 0.
 */
__noinline int heat_turn(__u32 row, __u64 ns)
{
	struct weir_heat_column *column;
	struct heat_flush f;
	__u64 epoch;
	__u32 index;

	if (LATENCY_IS_OFF)
		return 0;
	column = bpf_map_lookup_elem(&weir_heat_now, &row);
	if (!column)
		return 0;
	index = weir_heat_index(0, 0, column->epoch) + row * WEIR_HEAT_COLUMNS;
	f.from = column;
	f.to = bpf_map_lookup_elem(&weir_heat, &index);
	if (f.to) {
		epoch = f.to->epoch;
		if (epoch != column->epoch &&
		    __sync_val_compare_and_swap(&f.to->epoch, epoch, column->epoch) == epoch)
			__builtin_memset(f.to->bucket, 0, sizeof(f.to->bucket));
		bpf_loop(WEIR_HEAT_BUCKETS, heat_flush_bucket, &f, 0);
	}
	column->epoch = ns / WEIR_HEAT_NS;
	return 0;
}

static __always_inline void latency_heat(enum weir_direction direction, __u32 ticks, __u64 ns)
{
	__u32 row = weir.device * WEIR_DIR_COUNT + direction, bucket = weir_heat_bucket(ticks);
	struct weir_heat_column *column = bpf_map_lookup_elem(&weir_heat_now, &row);

	if (!column)
		return;
	if (ns - column->epoch * WEIR_HEAT_NS >= WEIR_HEAT_NS)
		heat_turn(row, ns);
	bucket = forget(bucket, ticks);
	if (bucket < WEIR_HEAT_BUCKETS)
		column->bucket[bucket]++;
}

static __always_inline bool latency_has_prefixes(void)
{
	return weir.prefix_v4 || weir.prefix_v6;
}

/* The client's prefix, v4-mapped where it is of IPv4. */
static __always_inline union pkt_addr latency_prefix_of(const struct timed *t)
{
	__u32 bits = t->is_v6 ? weir.prefix_v6 : 96 + weir.prefix_v4;
	__u64 high = bits < 64 ? bits : 64, low = bits > 64 ? bits - 64 : 0;
	union pkt_addr client = t->client;

	client.half[0] &= high ? bpf_cpu_to_be64(~0ULL << ((64 - high) & 63)) : 0;
	client.half[1] &= low ? bpf_cpu_to_be64(~0ULL << ((64 - low) & 63)) : 0;
	return client;
}

static __always_inline bool prefix_is(const struct weir_prefix *w, const union pkt_addr *addr)
{
	const __u64 *half = (const void *)w->addr;

	return w->in_use && half[0] == addr->half[0] && half[1] == addr->half[1];
}

static __always_inline bool prefix_is_older(const struct weir_prefix *a,
					    const struct weir_prefix *b)
{
	return !a->in_use || (b->in_use && (__s32)(a->seen - b->seen) <= 0);
}

/* Buckets at a time. */
#define PREFIX_CLEARED 16

struct prefix_clearing {
	struct weir_hist *hist;
};

static long prefix_clear(__u32 i, struct prefix_clearing *c)
{
	if (i >= WEIR_HIST_BUCKETS / PREFIX_CLEARED)
		return 1;
	__builtin_memset(&c->hist->bucket[i * PREFIX_CLEARED], 0, PREFIX_CLEARED * sizeof(__u32));
	return 0;
}

/* Another prefix's from now on. Its histogram is zeroed under whoever may still be adding. */
static __noinline KEEPS_RETURN int prefix_take(struct weir_prefix_set *set, __u32 way,
					       const union pkt_addr *addr)
{
	struct prefix_clearing c;
	struct weir_prefix *w;
	struct weir_hist *h;

	if (way >= WEIR_PREFIX_WAYS)
		return 0;
	w = &set->way[way];
	h = c.hist = &set->hist[way];
	if (w->in_use)
		latency_count(WEIR_DIR_WIRE, WEIR_LOSS_PREFIX_EVICTED);
	w->in_use = 0;
	h->sum = 0;
	h->min_plus_1 = h->max = 0;
	bpf_loop(WEIR_HIST_BUCKETS / PREFIX_CLEARED, prefix_clear, &c, 0);
	__builtin_memcpy(w->addr, addr, sizeof(w->addr));
	w->in_use = 1;
	return 0;
}

static __always_inline __u32 prefix_way(struct weir_prefix_set *set, const union pkt_addr *addr)
{
	__u32 a, b;

#pragma unroll
	for (__u32 i = 0; i < WEIR_PREFIX_WAYS; i++) {
		if (prefix_is(&set->way[i], addr))
			return i;
	}
	a = prefix_is_older(&set->way[0], &set->way[1]) ? 0 : 1;
	b = prefix_is_older(&set->way[2], &set->way[3]) ? 2 : 3;
	a = prefix_is_older(&set->way[a], &set->way[b]) ? a : b;
	prefix_take(set, a, addr);
	return a;
}

/* @t is what a client sent. Min and max are of whoever wrote last where CPUs meet. Returns 0. */
__noinline int latency_prefix(const struct timed *t, __u32 ticks)
{
	struct weir_prefix_set *set;
	union pkt_addr addr;
	__u32 index, bucket, way;
	struct weir_hist *h;

	if (LATENCY_IS_OFF || !latency_has_prefixes() || !t)
		return 0;
	addr = latency_prefix_of(t);
	index = (__u32)weir_mix64(addr.half[0] ^ weir_mix64(addr.half[1])) & weir.prefix_mask;
	set = bpf_map_lookup_elem(&weir_prefixes, &index);
	bucket = forget(weir_hist_index(ticks), ticks);
	if (!set || bucket >= WEIR_HIST_BUCKETS)
		return 0;
	way = prefix_way(set, &addr) & (WEIR_PREFIX_WAYS - 1);
	h = &set->hist[way];
	set->way[way].seen = t->now;
	__sync_fetch_and_add(&h->bucket[bucket], 1);
	__sync_fetch_and_add(&h->sum, ticks);
	if (ticks + 1 < h->min_plus_1 || !h->min_plus_1)
		h->min_plus_1 = ticks + 1;
	if (ticks > h->max)
		h->max = ticks;
	return 0;
}

/* @ticks of @t go where all samples go: the device's histogram, and the heat map. */
static __always_inline void latency_tally(struct timed *t, enum weir_direction direction,
					  __u32 kind, __u32 bucket, __u32 ticks)
{
	latency_record(weir_hist_of_device(weir.device, direction, kind), bucket, ticks);
	if (!WEIR_RTT_IS_ROUND_TRIP(kind))
		return;
	t->took = ticks;
	latency_heat(direction, ticks, t->ns);
}

/*
 * A sample: @t answers what was seen at @sent, ticks.
 *
 * @direction  the half of the path that it covers: who sent @t
 *
 * Returns 0.
 */
__noinline int latency_sample(struct timed *t, __u32 direction, __u32 kind, __u32 sent)
{
	__u32 ticks, bucket;

	if (LATENCY_IS_OFF || !t)
		return 0;
	ticks = latency_now(t) - sent;
	if (ticks > LATENCY_MAX_TICKS)
		return latency_count_rare(direction, WEIR_LOSS_UNMATCHED);
	bucket = forget(weir_hist_index(ticks), ticks);
	latency_tally(t, direction, kind, bucket, ticks);
	if (direction == WEIR_DIR_HOST && t->backend && kind != WEIR_RTT_DNS)
		latency_record(weir_hist_of_backend(weir.hist_backend_base, t->backend - 1,
						    kind == WEIR_RTT_RESPONSE),
			       bucket, ticks);
	if (WEIR_RTT_IS_ROUND_TRIP(kind) && latency_has_prefixes() && direction == WEIR_DIR_WIRE &&
	    (t->is_v6 ? weir.prefix_v6 : weir.prefix_v4))
		latency_prefix(t, ticks);
	return 0;
}

#endif
