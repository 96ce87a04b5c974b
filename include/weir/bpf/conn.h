/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * "established": whether a packet belongs to a connection that this host
 * opened. Noted at tc egress by conn_note(); asked by the filter at ingress.
 */
#ifndef WEIR_BPF_CONN_H
#define WEIR_BPF_CONN_H

#include "weir/bpf/conn_key.h"
#include "weir/bpf/maps.h"
#include "weir/bpf/packet.h"
#include "weir/conn.h"

#define CONN_FIN 0x01
#define CONN_SYN 0x02
#define CONN_RST 0x04
#define CONN_ACK 0x10

static __always_inline __u32 conn_now(void)
{
	return (__u32)(bpf_ktime_get_coarse_ns() >> WEIR_CONN_TICK_SHIFT);
}

/* A table: the verifier would follow each case of a switch. */
#define CONN_STATE_MASK 15
_Static_assert(WEIR_CONN_STATE_COUNT <= CONN_STATE_MASK + 1, "states do not fit their mask");

static const volatile __u32 conn_idle_ticks[CONN_STATE_MASK + 1] = {
#define X(sym, name, idle_s) [WEIR_CONN_##sym] = WEIR_CONN_TICKS(idle_s),
	WEIR_CONN_STATES(X)
#undef X
};

static __always_inline bool conn_is_live(const struct weir_conn *c, __u32 now)
{
	return c->tag && now - c->seen < conn_idle_ticks[c->state & CONN_STATE_MASK];
}

static __always_inline struct weir_conn_set *conn_set(__u64 tag)
{
	__u32 index = tag >> 1 & weir.conn_mask;

	return bpf_map_lookup_elem(&weir_conns, &index);
}

/* The live connection of @tag, or NULL. */
static __always_inline struct weir_conn *conn_find(struct weir_conn_set *set, __u64 tag, __u32 now)
{
	__u32 index = WEIR_CONN_WAYS;
	struct weir_conn *c;

#pragma unroll
	for (int i = 0; i < WEIR_CONN_WAYS; i++) {
		if (set->way[i].tag == tag)
			index = i;
		index = forget(index, now);
	}
	if (index >= WEIR_CONN_WAYS)
		return NULL;
	c = &set->way[index];
	return now - c->seen < conn_idle_ticks[c->state & CONN_STATE_MASK] ? c : NULL;
}

/*
 * How little a place is worth: most of all one that nothing living has, then
 * one that was found or that closes, then the one without a packet for longest.
 */
static __always_inline __u32 conn_age(const struct weir_conn *c, __u64 tag, __u32 now)
{
	if (c->tag == tag)
		return 0xffffffff;
	if (!conn_is_live(c, now))
		return 0xfffffffe;
	if (c->state == WEIR_CONN_FOUND || c->state == WEIR_CONN_CLOSING)
		return (now - c->seen) | 1U << 31;
	return now - c->seen;
}

#define CONN_AGE_FREE 0xfffffffe

enum conn_room {
	CONN_ROOM_FREE, /* take a place that nothing living has, or none */
	CONN_ROOM_ANY,
};

static __always_inline void conn_open(struct weir_conn_set *set, __u64 tag, __u8 state, __u32 now,
				      enum conn_room room)
{
	__u32 index = 0, age = 0;
	struct weir_conn *way;

#pragma unroll
	for (int i = 0; i < WEIR_CONN_WAYS; i++) {
		__u32 other = forget(conn_age(&set->way[i], tag, now), now);

		if (other > age) {
			index = i;
			age = other;
		}
		index = forget(index, now);
		age = forget(age, now);
	}
	if (room == CONN_ROOM_FREE && age < CONN_AGE_FREE)
		return;
	way = &set->way[index & (WEIR_CONN_WAYS - 1)];
	way->seen = now;
	way->state = state;
	way->tag = tag;
}

static __always_inline __u32 conn_ask_mark(__u64 tag)
{
	return (__u32)(tag >> 32);
}

static __always_inline bool conn_was_asked(const struct weir_conn_set *set, __u64 tag, __u32 now)
{
	__u32 asked = 0;

#pragma unroll
	for (int i = 0; i < WEIR_ASK_WAYS; i++) {
		const struct weir_ask *ask = &set->ask[i];

		if (ask->mark == conn_ask_mark(tag) && ask->seen)
			asked |= now - ask->seen < WEIR_CONN_TICKS(WEIR_ASK_S);
		asked = forget(asked, now);
	}
	return asked;
}

/* What a TCP segment that leaves makes of a connection that is known. */
static __always_inline __u8 conn_next_out(__u8 state, __u8 flags)
{
	if (flags & (CONN_RST | CONN_FIN))
		return WEIR_CONN_CLOSING;
	if ((flags & (CONN_SYN | CONN_ACK)) == CONN_SYN)
		return WEIR_CONN_OPENING;
	return state == WEIR_CONN_HALF ? WEIR_CONN_ESTABLISHED : state;
}

static __always_inline void conn_note_tcp(struct weir_conn_set *set, __u64 tag, __u8 flags,
					  __u32 now)
{
	struct weir_conn *c = conn_find(set, tag, now);

	if (c) {
		c->state = conn_next_out(c->state, flags);
		c->seen = now;
		return;
	}
	if ((flags & (CONN_SYN | CONN_ACK | CONN_RST)) == CONN_SYN)
		conn_open(set, tag, WEIR_CONN_OPENING, now, CONN_ROOM_ANY);
	else if (!(flags & (CONN_SYN | CONN_RST)))
		conn_open(set, tag, flags & CONN_FIN ? WEIR_CONN_CLOSING : WEIR_CONN_FOUND, now,
			  CONN_ROOM_FREE);
}

static __always_inline void conn_note_other(struct weir_conn_set *set, __u64 tag, __u8 state,
					    __u32 now)
{
	struct weir_conn *c = conn_find(set, tag, now);

	if (c)
		c->seen = now;
	else if (!conn_was_asked(set, tag, now))
		conn_open(set, tag, state, now, CONN_ROOM_ANY);
}

/*
 * Note a packet that leaves this host. A SYN, a request and a UDP packet open
 * a connection, and may push out the oldest; any other segment finds one that
 * is older than weir, and pushes out nothing that lives. What answers a packet
 * that came in (SYN-ACK, RST, an answer over UDP) opens nothing.
 */
static __always_inline void conn_note(const struct weir_image *image, void *data, void *data_end,
				      const struct pkt *p)
{
	struct weir_conn_set *set;
	struct conn_key k = {};
	bool is_echo = false;
	__u32 now;
	__u64 tag;

	if (!(p->has & PKT_ADDR))
		return;
	conn_key_out(&k, p);
	if (!(p->has & PKT_PORTS)) {
		is_echo = conn_is_icmp(p) && p->icmp_type == conn_echo_type(p);
		if (!is_echo)
			return;
		conn_key_echo(&k, conn_echo_id(data, data_end, p));
	}
	tag = conn_tag(image, &k);
	set = conn_set(tag);
	if (!set)
		return;
	now = conn_now();
	if (p->has & PKT_TCP)
		conn_note_tcp(set, tag, p->tcp_flags, now);
	else
		conn_note_other(set, tag, is_echo ? WEIR_CONN_ECHO : WEIR_CONN_SENT, now);
}

/* Where the flow of @tag is remembered, or else the oldest. */
static __always_inline __u32 conn_ask_way(const struct weir_conn_set *set, __u64 tag, __u32 now)
{
	__u32 index = 0, age = 0;

#pragma unroll
	for (int i = 0; i < WEIR_ASK_WAYS; i++) {
		const struct weir_ask *ask = &set->ask[i];
		__u32 other = ask->mark == conn_ask_mark(tag) ? 0xffffffff : now - ask->seen;

		if (other > age) {
			index = i;
			age = other;
		}
		index = forget(index, now);
		age = forget(age, now);
	}
	return index;
}

/*
 * Remember a packet that the filter lets in: if it is no TCP and its flow is not
 * one that was opened from here, then what leaves in answer opens nothing.
 */
static __always_inline void conn_ask(const struct weir_image *image, const struct pkt *p)
{
	struct weir_conn_set *set;
	struct conn_key k = {};
	__u32 now, way;
	__u64 tag;

	if ((p->has & (PKT_PORTS | PKT_TCP)) != PKT_PORTS)
		return;
	conn_key_in(&k, p);
	tag = conn_tag(image, &k);
	set = conn_set(tag);
	if (!set)
		return;
	now = conn_now();
	if (conn_find(set, tag, now))
		return;
	way = conn_ask_way(set, tag, now) & (WEIR_ASK_WAYS - 1);
	set->ask[way].mark = conn_ask_mark(tag);
	set->ask[way].seen = now ?: 1;
}

/* What a TCP segment that comes in makes of a connection. */
static __always_inline __u8 conn_next_in(__u8 state, __u8 flags)
{
	if (flags & CONN_RST)
		return state == WEIR_CONN_ESTABLISHED || state == WEIR_CONN_HALF ?
			       WEIR_CONN_HALF :
			       WEIR_CONN_CLOSING;
	if (state == WEIR_CONN_OPENING && flags & CONN_ACK)
		state = WEIR_CONN_ESTABLISHED;
	return flags & CONN_FIN && state == WEIR_CONN_ESTABLISHED ? WEIR_CONN_HALF : state;
}

/*
 * A SYN alone on a known connection is the peer's wish for another: that is
 * for the rules to judge, but for a simultaneous open.
 */
static __always_inline bool conn_meets_tcp(struct weir_conn *c, __u8 flags, __u32 now)
{
	__u8 next = conn_next_in(c->state, flags);

	if ((flags & (CONN_SYN | CONN_ACK)) == CONN_SYN)
		return c->state == WEIR_CONN_OPENING;
	if (c->seen != now)
		c->seen = now;
	if (c->state != next)
		c->state = next;
	return true;
}

static __always_inline bool conn_meets_other(struct weir_conn *c, __u32 now)
{
	if (c->seen != now)
		c->seen = now;
	if (c->state == WEIR_CONN_SENT)
		c->state = WEIR_CONN_ANSWERED;
	return true;
}

/*
 * Whether a packet that leaves belongs to a connection that this host opened
 * before, or is an ICMP error about a packet of one. To be asked before
 * conn_note(), which does what is to be done about it.
 */
static __noinline int conn_is_known(const struct weir_image *image, void *data,
					  void *data_end, const struct pkt *p)
{
	struct weir_conn_set *set;
	struct conn_key k = {};
	struct weir_conn *c;
	__u64 tag;

	if (!(p->has & PKT_ADDR) || !conn_key_of_leaving(data, data_end, p, &k))
		return false;
	tag = conn_tag(image, &k);
	set = conn_set(tag);
	if (!set)
		return false;
	c = conn_find(set, tag, conn_now());
	if (!c)
		return false;
	if (p->has & PKT_TCP && (p->tcp_flags & (CONN_SYN | CONN_ACK)) == CONN_SYN)
		return c->state == WEIR_CONN_OPENING;
	return true;
}

/*
 * Whether an inbound packet belongs to a connection that this host opened, or
 * is an ICMP error about a packet of one.
 */
static __noinline int conn_is_established(const struct weir_image *image, void *data,
						void *data_end, const struct pkt *p)
{
	struct weir_conn_set *set;
	struct conn_key k = {};
	struct weir_conn *c;
	__u32 now;
	__u64 tag;

	if (!(p->has & PKT_ADDR) || !conn_key_of(data, data_end, p, &k))
		return false;
	tag = conn_tag(image, &k);
	set = conn_set(tag);
	if (!set)
		return false;
	now = conn_now();
	c = conn_find(set, tag, now);
	if (!c)
		return false;
	if (p->has & PKT_TCP)
		return conn_meets_tcp(c, p->tcp_flags, now);
	if (conn_is_icmp(p) && conn_is_error(p))
		return true;
	return conn_meets_other(c, now);
}

#endif
