/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The log action: an event with the head of the packet, sampled and bounded.
 */
#ifndef WEIR_BPF_LOG_H
#define WEIR_BPF_LOG_H

#include "weir/bpf/hook.h"
#include "weir/bpf/maps.h"
#include "weir/bpf/packet.h"
#include "weir/log.h"

/* Events of one packet that wait for what becomes of it; a mask, too. */
#define LOG_WAITING 7

/* Of one CPU. The last event is room for one that there is no waiting with. */
struct log_waiting {
	__u32 count;
	__u32 pad;
	struct weir_log_event event[LOG_WAITING + 1];
};

/* Whether this is the one of @sample packets that is logged; 0 stands for 1. */
static __always_inline bool log_samples(__u32 sample)
{
	return sample <= 1 || bpf_get_prandom_u32() < 0xffffffff / sample;
}

/* Whether this CPU may log one more; counts it, or that it was suppressed. */
static __always_inline bool log_admits(struct weir_cpu *cpu)
{
	__u32 window = (__u32)(bpf_ktime_get_coarse_ns() >> WEIR_LOG_WINDOW_SHIFT);

	if (cpu->log_window != window) {
		cpu->log_window = window;
		cpu->log_in_window = 0;
	}
	if (cpu->log_in_window >= WEIR_LOG_MOST) {
		cpu->log_suppressed++;
		return false;
	}
	cpu->log_in_window++;
	return true;
}

static __always_inline void log_copy_head(void *ctx, struct weir_log_event *event)
{
	__u32 bytes = event->bytes < WEIR_LOG_HEAD ? event->bytes : WEIR_LOG_HEAD, less = bytes - 1;

	__builtin_memset(event->head, 0, sizeof(event->head));
	event->head_bytes = 0;
	HIDE_FROM_COMPILER(less);
	if (less < WEIR_LOG_HEAD && !hook_load(ctx, 0, event->head, less + 1))
		event->head_bytes = bytes;
}

static __always_inline void log_write(struct weir_cpu *cpu, struct weir_log_event *event)
{
	if (bpf_ringbuf_output(&weir_log, event, sizeof(*event), 0))
		cpu->log_full++;
	else
		cpu->log_written++;
}

/*
 * Note an event of a packet, if the rate allows, as the packet is now: the
 * rules to come decide, and stages to come rewrite it. log_tell() writes it.
 *
 * @rule  id of the log rule, for which log_samples() said yes
 * @vlan  VLAN tag that the kernel took off, or -1
 */
static __always_inline void log_packet(void *ctx, enum weir_log_place place, __u32 ifindex,
				       struct pkt *p, struct log_waiting *w, __u32 rule, int vlan)
{
	__u32 zero = 0, index;
	struct weir_cpu *cpu = bpf_map_lookup_elem(&weir_cpu, &zero);
	struct weir_log_event *event;

	if (!cpu || !log_admits(cpu))
		return;
	if (!(p->has & PKT_LOGGED))
		w->count = 0;
	p->has |= PKT_LOGGED;
	index = w->count & LOG_WAITING;
	event = &w->event[index];
	*event = (struct weir_log_event){
		.time_ns = bpf_ktime_get_ns(),
		.ifindex = ifindex,
		.rule = rule,
		.bytes = p->bytes,
		.reason = WEIR_LOG_UNDECIDED,
		.place = place,
		.is_tagged = vlan >= 0,
		.vlan = bpf_htons(vlan >= 0 ? vlan : 0),
	};
	log_copy_head(ctx, event);
	if (index < LOG_WAITING)
		w->count = index + 1;
	else
		log_write(cpu, event);
}

struct log_telling {
	struct log_waiting *waiting;
	struct weir_cpu *cpu;
	enum weir_reason reason;
};

static long log_tell_one(__u32 index, struct log_telling *t)
{
	struct weir_log_event *event = &t->waiting->event[index & LOG_WAITING];

	event->reason = t->reason;
	log_write(t->cpu, event);
	return 0;
}

/* Write what waits of a packet with PKT_LOGGED, now that its fate is known. Returns 0. */
static __noinline KEEPS_RETURN int log_tell(struct log_waiting *w, enum weir_reason reason)
{
	__u32 zero = 0;
	struct log_telling t = {
		.waiting = w,
		.cpu = bpf_map_lookup_elem(&weir_cpu, &zero),
		.reason = reason,
	};

	if (t.cpu)
		bpf_loop(w->count, log_tell_one, &t, 0);
	return 0;
}

#endif
