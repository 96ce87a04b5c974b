/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an event of the log tells of its packet, from the head of the frame
 * that is in it.
 */
#ifndef WEIR_MONITOR_H
#define WEIR_MONITOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "weir/log.h"
#include "weir/packet.h"

#define SEEN_MAX_TAGS 5 /* one that the kernel took off, and what the datapath walks */

/* How the headers ended. */
enum seen_end {
	SEEN_WHOLE,
	SEEN_CUT, /* the event has no more of the frame */
	SEEN_BROKEN, /* the frame ends early or contradicts itself */
};

/* A field is not to be read without its bit in has. Numbers are in host order. */
struct seen {
	__u16 has; /* enum pkt_has */
	enum seen_end end;
	__u8 smac[6], dmac[6];
	__u16 vlan[SEEN_MAX_TAGS]; /* outermost first */
	size_t vlan_count;
	__u16 ethertype; /* below all tags */
	bool is_v6;
	__u8 src[16], dst[16]; /* network order, v4-mapped */
	__u32 length; /* of the IP packet, as its header says */
	__u8 ttl, dscp;
	__u8 proto;
	bool is_later_fragment;
	__u16 sport, dport;
	__u8 tcp_flags;
	__u8 icmp_type, icmp_code;
	__u32 bytes; /* of the frame */
};

/* Any event gives something; nothing outside of its head is read. */
void seen_decode(const struct weir_log_event *event, struct seen *out);

/* In words as "weir test" takes them: "tcp from 198.51.100.7:4444 to 192.0.2.1:22 syn ..." */
void seen_print(const struct seen *s, FILE *out);

/* The same, with names of fields as in conditions; the caller's. */
json_t *seen_json(const struct seen *s);

#endif
