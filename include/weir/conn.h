/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections that this host opened, for "established". Noted where packets
 * leave, at tc egress; what comes in refreshes an entry and never makes one.
 *
 * TCP, UDP and other transports with ports, and ICMP echo. Later fragments
 * have no ports and are not established; nor are protocols without ports.
 */
#ifndef WEIR_CONN_H
#define WEIR_CONN_H

#include <linux/types.h>

/* Times are in ticks of 2^26 ns, 67 ms: 32 bits wrap after nine years. */
#define WEIR_CONN_TICK_SHIFT 26
#define WEIR_CONN_TICKS(s) ((__u32)(((s)*1000000000ULL) >> WEIR_CONN_TICK_SHIFT))

/*
 * How far a connection got. X(symbol, name, seconds without a packet that it lives)
 *
 * HALF: the peer said that it closes, or somebody in its name; a segment that
 * leaves makes it ESTABLISHED again. FOUND: older than weir, or opened by the
 * peer; gives way to all others.
 */
#define WEIR_CONN_STATES(X)                                \
	X(NONE, "none", 0)                                 \
	X(OPENING, "opening", 120)                         \
	X(ESTABLISHED, "established", 432000) /* 5 days */ \
	X(HALF, "half-closed", 30)                         \
	X(CLOSING, "closing", 30)                          \
	X(FOUND, "found", 432000)                          \
	X(SENT, "sent", 30) /* no TCP, and unanswered */   \
	X(ANSWERED, "answered", 180)                       \
	X(ECHO, "echo", 30)

enum weir_conn_state {
#define X(sym, name, idle_s) WEIR_CONN_##sym,
	WEIR_CONN_STATES(X)
#undef X
		WEIR_CONN_STATE_COUNT
};

#define WEIR_CONN_WAYS 4

struct weir_conn {
	__u64 tag; /* keyed hash of both ends and the protocol; 0: free */
	__u32 seen; /* ticks */
	__u8 state; /* enum weir_conn_state */
	__u8 pad[3];
};
_Static_assert(sizeof(struct weir_conn) == 16, "connection has holes");

/*
 * A flow without TCP that the filter let in although it was not established:
 * what leaves in answer to it opens nothing. Lossy; the oldest goes.
 */
#define WEIR_ASK_WAYS 8

struct weir_ask {
	__u32 mark; /* high half of the flow's tag */
	__u32 seen; /* ticks */
};

/* A cache line of connections, and one that is touched only for packets without TCP. */
struct weir_conn_set {
	struct weir_conn way[WEIR_CONN_WAYS];
	struct weir_ask ask[WEIR_ASK_WAYS];
};
_Static_assert(sizeof(struct weir_conn_set) == 128, "set is not two cache lines");

/* How long an inbound flow is remembered, in seconds. */
#define WEIR_ASK_S 180

#endif
