/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way of sampled packets from hook to hook: the record of each, histograms
 * of what lies between two hooks, and events of what took too long.
 */
#ifndef WEIR_BPF_PATH_H
#define WEIR_BPF_PATH_H

#include "weir/bpf/cursor.h"
#include "weir/bpf/maps.h"
#include "weir/bpf/path_head.h"
#include "weir/bpf/path_maps.h"
#include "weir/bpf/path_slow.h"
#include "weir/path.h"

/* 4.6 minutes, a quarter of the clock: more is a clock that went round. */
#define PATH_MAX_TICKS (1U << 30)
/* Records that have not been seen for 4 s make room without being counted. */
#define PATH_YOUNG_TICKS (1U << 24)
/* 1 ms */
#define PATH_AT_ONCE_TICKS (1U << 12)

/* A packet at a hook. */
struct path_sight {
	__u64 key;
	struct weir_path_place place;
	__u32 now; /* ticks, not 0 */
	__u32 point; /* enum weir_path_point */
	const struct weir_image *image;
	const struct path_head *head;
};

static __always_inline __u32 path_ticks(__u64 ns)
{
	return (__u32)(ns >> WEIR_TICK_SHIFT) ?: 1;
}

static __always_inline bool path_same(const struct weir_path_place *a,
				      const struct weir_path_place *b)
{
	return a->ifindex == b->ifindex && a->netns == b->netns;
}

static __always_inline bool path_is_origin(const struct weir_path *p,
					   const struct weir_path_place *place)
{
	return p->origin_ifindex == place->ifindex && p->origin_netns == place->netns;
}

/* The stages that @place asks for, of those of the stack; its sample in @mask. */
static __always_inline __u32 path_stages_of(const struct weir_image *image, __u64 netns,
					    __u32 ifindex, __u32 *mask)
{
	__u32 slot;

	if (netns != image->netns)
		return 0;
	slot = weir_path_slot(ifindex, image->path_mask);
	for (int i = 0; i < WEIR_PATH_PROBES; i++) {
		__u32 row = (slot + i) & image->path_mask;
		const struct weir_path_device *device =
			image_at(image, image->path_offset + row * sizeof(struct weir_path_device));

		if (device->ifindex == ifindex) {
			*mask = device->sample_mask;
			return device->stages;
		}
		if (!device->ifindex)
			return 0;
	}
	return 0;
}

static __always_inline struct weir_path *path_find(__u64 key)
{
	__u32 index = (key >> 32) & weir.path_mask;
	struct weir_path_set *set = bpf_map_lookup_elem(&weir_paths, &index);

	if (!set)
		return NULL;
	if (set->way[0].key == key)
		return &set->way[0];
	return set->way[1].key == key ? &set->way[1] : NULL;
}

/* What a monitor is told of a packet. */
static __always_inline void path_describe(struct weir_path *p, const struct path_head *h)
{
	__builtin_memset(p->delay, 0, sizeof(*p) - __builtin_offsetof(struct weir_path, delay));
	p->proto = h->proto;
	path_flow_of(h, (struct weir_path_flow *)p->saddr);
	if (h->proto == IPPROTO_TCP) {
		const struct path_tcp *tcp = path_tcp(h);

		p->tcp_flags = tcp->flags;
		p->seq = bpf_ntohl(tcp->seq);
		p->ack = bpf_ntohl(tcp->ack);
		p->window = bpf_ntohs(tcp->window);
	}
}

/* Begin @p anew with what is seen now. */
static __always_inline void path_begin(struct weir_path *p, const struct path_sight *s)
{
	struct weir_path_cpu *cpu = path_cpu();

	if (p->slow)
		path_tell(p, 0);
	__builtin_memset(p, 0, __builtin_offsetof(struct weir_path, delay));
	p->key = s->key;
	p->place = s->place;
	p->origin_netns = s->place.netns;
	p->origin_ifindex = s->place.ifindex;
	p->at = s->now;
	p->first = s->now;
	p->point = s->point;
	p->origin_point = s->point;
	p->asked = path_asked();
	if (p->asked)
		path_describe(p, s->head);
	if (cpu)
		cpu->started++;
}

static __always_inline struct weir_path *path_make(const struct path_sight *s)
{
	__u32 index = (s->key >> 32) & weir.path_mask;
	struct weir_path_set *set = bpf_map_lookup_elem(&weir_paths, &index);
	struct weir_path_cpu *cpu = path_cpu();
	struct weir_path *p;

	if (!set)
		return NULL;
	p = &set->way[0];
	if (p->key && (!set->way[1].key || (__s32)(set->way[1].at - p->at) < 0))
		p = &set->way[1];
	if (cpu && p->key && p->point != WEIR_PATH_AT_READ && s->now - p->at < PATH_YOUNG_TICKS)
		cpu->evicted++;
	path_begin(p, s);
	return p;
}

static __always_inline void path_count(struct weir_hist *hist, __u32 ticks)
{
	__u32 index = forget(weir_hist_index(ticks), ticks), was;

	if (index >= WEIR_HIST_BUCKETS)
		return;
	__sync_fetch_and_add(&hist->bucket[index], 1);
	__sync_fetch_and_add(&hist->sum, ticks);
	/* A CPU that comes in between is rare; three in a row are not believed. */
#pragma unroll
	for (int i = 0; i < 3; i++) {
		was = hist->max;
		if (ticks <= was || __sync_val_compare_and_swap(&hist->max, was, ticks) == was)
			break;
	}
#pragma unroll
	for (int i = 0; i < 3; i++) {
		was = hist->min_plus_1;
		if ((was && ticks + 1 >= was) ||
		    __sync_val_compare_and_swap(&hist->min_plus_1, was, ticks + 1) == was)
			break;
	}
}

/* The histogram of a pair; made for the first packet between them, NULL where there are too many. */
static __noinline struct weir_hist *path_hist_make(const struct weir_path_pair *pair)
{
	struct weir_path_cpu *cpu = path_cpu();

	if (!cpu)
		return NULL;
	if (bpf_map_update_elem(&weir_path_hists, pair, &path_no_hist, BPF_NOEXIST) &&
	    !bpf_map_lookup_elem(&weir_path_hists, pair))
		cpu->pairs_full++;
	return bpf_map_lookup_elem(&weir_path_hists, pair);
}

/*
 * @ticks of a packet went by in @stage, between @from and @to.
 *
 * @p  its record, NULL where it is gone
 */
static __always_inline void path_measure(struct weir_path *p, __u32 stage,
					 const struct weir_path_place *from,
					 const struct weir_path_place *to, __u32 ticks)
{
	struct weir_path_pair pair = { .from = *from, .to = *to, .stage = stage };
	struct weir_hist *hist;
	struct weir_path_cpu *cpu;

	if (ticks > PATH_MAX_TICKS || stage >= WEIR_PATH_COUNT)
		return;
	hist = bpf_map_lookup_elem(&weir_path_hists, &pair);
	if (!hist)
		hist = path_hist_make(&pair);
	if (hist)
		path_count(hist, ticks);
	cpu = path_cpu();
	if (cpu)
		cpu->matched++;
	if (p && p->asked)
		p->delay[stage] = (p->delay[stage] ?: 1) + ticks;
}

/* What a sight of a packet that has a record makes of it. */
enum path_turn {
	PATH_ANEW = WEIR_PATH_COUNT, /* it is another packet, or the same one again */
	PATH_ON, /* seen further on; the time goes on running */
	PATH_SAME, /* seen again where it was */
	PATH_MOVED, /* seen further on; the time runs from here */
};

static __always_inline __u32 path_turn_received(const struct weir_path *p,
						const struct path_sight *s, bool here)
{
	bool received = p->point == WEIR_PATH_AT_RECEIVE;
	bool xdp = p->point == WEIR_PATH_AT_XDP;

	if (here && xdp && s->point == WEIR_PATH_AT_RECEIVE)
		return WEIR_PATH_DRIVER;
	/* Generic XDP runs right behind the hook of the stack. */
	if (here && received && s->point == WEIR_PATH_AT_XDP && s->now - p->at < PATH_AT_ONCE_TICKS)
		return PATH_SAME;
	if (path_is_origin(p, &s->place) &&
	    (p->origin_point == WEIR_PATH_AT_XDP || p->origin_point == WEIR_PATH_AT_RECEIVE))
		return PATH_ANEW;
	if (p->point == WEIR_PATH_AT_XMIT || (xdp && !here))
		return WEIR_PATH_HOP;
	if (received && !here)
		return p->place.netns == s->place.netns ? PATH_ON : WEIR_PATH_HOP;
	return PATH_ANEW;
}

/* A stage that has ended, or one of enum path_turn. */
static __always_inline __u32 path_turn(const struct weir_path *p, const struct path_sight *s)
{
	bool here = path_same(&p->place, &s->place);
	bool received = p->point == WEIR_PATH_AT_RECEIVE || p->point == WEIR_PATH_AT_XDP;
	bool near = p->place.netns == s->place.netns;

	if (s->now - p->at > PATH_MAX_TICKS)
		return PATH_ANEW;
	switch (s->point) {
	case WEIR_PATH_AT_QUEUE:
		if (path_is_origin(p, &s->place) && p->origin_point == WEIR_PATH_AT_QUEUE)
			return PATH_ANEW;
		if (received && near)
			return WEIR_PATH_FORWARD;
		return near && !here && p->point <= WEIR_PATH_AT_XMIT ? PATH_MOVED : PATH_ANEW;
	case WEIR_PATH_AT_XMIT:
		if (p->point == WEIR_PATH_AT_QUEUE && here)
			return WEIR_PATH_QDISC;
		return received && near ? WEIR_PATH_FORWARD : PATH_ANEW;
	case WEIR_PATH_AT_XDP:
	case WEIR_PATH_AT_RECEIVE:
		return path_turn_received(p, s, here);
	case WEIR_PATH_AT_SOCKET:
		return received ? WEIR_PATH_STACK : PATH_SAME;
	default:
		return PATH_SAME;
	}
}

/*
 * Take the record of a packet on to where it is seen now; s->place is that of
 * the record where the hook knows no device. Returns whether it goes on, and
 * the packet is not to begin anew.
 */
static __always_inline bool path_go_on(struct weir_path *p, struct path_sight *s)
{
	struct weir_path_place from = p->place;
	__u32 ticks = s->now - p->at, turn;

	if (!s->place.ifindex)
		s->place = from;
	turn = path_turn(p, s);
	if (turn == PATH_ANEW)
		return false;
	if (turn == PATH_SAME)
		return true;
	p->place = s->place;
	p->point = s->point;
	if (turn != PATH_ON)
		p->at = s->now;
	if (turn < WEIR_PATH_COUNT)
		path_measure(p, turn, &from, &s->place, ticks);
	path_judge(p, turn, &from, &s->place, ticks, s->now);
	return true;
}

#endif
