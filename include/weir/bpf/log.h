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

/*
 * Tell the reader of a packet, if the rate allows.
 *
 * @rule     id of the log rule, for which log_samples() said yes
 * @reason   what became of the packet
 * @vlan     VLAN tag that the kernel took off, or -1
 */
static __always_inline void log_packet(void *ctx, enum weir_log_place place, __u32 ifindex,
				       const struct pkt *p, __u32 rule, enum weir_reason reason,
				       int vlan)
{
	__u32 zero = 0;
	struct weir_cpu *cpu = bpf_map_lookup_elem(&weir_cpu, &zero);
	struct weir_log_event *event;

	if (!cpu || !log_admits(cpu))
		return;
	event = bpf_ringbuf_reserve(&weir_log, sizeof(*event), 0);
	if (!event) {
		cpu->log_full++;
		return;
	}
	*event = (struct weir_log_event){
		.time_ns = bpf_ktime_get_ns(),
		.ifindex = ifindex,
		.rule = rule,
		.bytes = p->bytes,
		.reason = reason,
		.place = place,
		.is_tagged = vlan >= 0,
		.vlan = bpf_htons(vlan >= 0 ? vlan : 0),
	};
	log_copy_head(ctx, event);
	cpu->log_written++;
	bpf_ringbuf_submit(event, 0);
}

#endif
