/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a packet waits on its way through this host, and where it is lost:
 * records of sampled packets, histograms by stage and interface pair, events
 * of slow packets, drops of the kernel and retransmits.
 *
 * A network namespace is told by its cookie (SO_NETNS_COOKIE), a device by
 * cookie and ifindex. Times are ticks (WEIR_TICK_SHIFT in weir/latency.h)
 * unless a name says otherwise.
 */
#ifndef WEIR_PATH_H
#define WEIR_PATH_H

#include <linux/types.h>

#include "weir/latency.h"

/*
 * A stage ends at a hook; its delay is the time since the hook before, of the
 * same packet. Those of one device have it at both ends of the pair.
 * X(symbol, name, explanation)
 */
#define WEIR_PATH_STAGES(X)                                                                 \
	X(SEND, "send",                                                                     \
	  "from the sender's TCP to the device's queue; waits for a MAC address are in it") \
	X(QDISC, "qdisc", "in the queueing discipline")                                     \
	X(HOP, "hop", "from one device of this host to another: a veth pair or a wire")     \
	X(DRIVER, "driver", "from XDP to the network stack")                                \
	X(STACK, "stack", "from the device through the stack to the socket")                \
	X(WAKE, "wake", "in the socket, while who reads it is woken and waits for a CPU")   \
	X(APP, "app", "in the socket until a process reads it, but for wake")               \
	X(FORWARD, "forward",                                                               \
	  "from one device to the queue of another: routing, a bridge, a process")

enum weir_path_stage {
#define X(sym, name, text) WEIR_PATH_##sym,
	WEIR_PATH_STAGES(X)
#undef X
		WEIR_PATH_COUNT
};

/* A slow event of a round-trip time, beside those of stages. */
#define WEIR_SLOW_RTT WEIR_PATH_COUNT
#define WEIR_SLOW_COUNT (WEIR_PATH_COUNT + 1)

/*
 * Hooks: where a packet is seen, and what sees it there.
 * X(symbol, name)
 */
#define WEIR_PATH_POINTS(X)   \
	X(NONE, "none")       \
	X(QUEUE, "queue")     \
	X(XMIT, "xmit")       \
	X(XDP, "xdp")         \
	X(RECEIVE, "receive") \
	X(SOCKET, "socket")   \
	X(READ, "read")

enum weir_path_point {
#define X(sym, name) WEIR_PATH_AT_##sym,
	WEIR_PATH_POINTS(X)
#undef X
		WEIR_PATH_POINT_COUNT
};

/* A device of this host. */
struct weir_path_place {
	__u64 netns; /* cookie */
	__u32 ifindex;
	__u32 pad; /* must be 0 */
};

/*
 * A packet on its way. Three cache lines, two of them to a set. All but the first
 * is written only while a monitor asks for slow packets.
 */
struct weir_path {
	__u64 key; /* hash of what makes the packet; 0: free */
	struct weir_path_place place; /* of the last hook */
	__u64 origin_netns; /* of the first */
	__u32 origin_ifindex;
	__u32 at; /* when the last hook saw it */
	__u32 first; /* when the first one did */
	__u8 point; /* enum weir_path_point of the last hook */
	__u8 origin_point;
	__u8 slow; /* id of the monitor that is to hear of it; 0: none */
	__u8 asked; /* id of the one that asked when it was first seen; 0: none */
	__u32 pid; /* that read it; 0: none */
	__u32 woken_pid; /* whom its arrival woke; 0: nobody, or nobody knows */
	/* The stage that took longest, of those that are slow. */
	__u32 longest_ticks;
	__u8 longest; /* enum weir_path_stage */
	__u8 passed; /* id of the monitor that asks for a place that it passed */
	__u16 cpu; /* where the longest stage ended */
	/* + 1; 0: the stage was not seen. Added up where it has several. */
	__u32 delay[WEIR_PATH_COUNT];
	__u8 saddr[16]; /* v4-mapped */
	__u8 daddr[16];
	__u16 sport; /* host order */
	__u16 dport;
	__u32 seq; /* host order, of TCP */
	__u32 ack;
	__u16 window; /* as in the header, of TCP */
	__u8 tcp_flags;
	__u8 proto;
	struct weir_path_place longest_from;
	struct weir_path_place longest_to;
	char woken_comm[15]; /* its end may be missing */
	__u8 told; /* id of the monitor that heard of it */
};
_Static_assert(sizeof(struct weir_path) == 192, "record is not three cache lines");
_Static_assert(__builtin_offsetof(struct weir_path, delay) == 64, "its first line is not one");

#define WEIR_PATH_WAYS 2

struct weir_path_set {
	struct weir_path way[WEIR_PATH_WAYS];
};

/* Key of weir_path_hists, a hash map; its value is one struct weir_hist of all CPUs. */
struct weir_path_pair {
	struct weir_path_place from;
	struct weir_path_place to;
	__u32 stage;
	__u32 pad; /* must be 0 */
};
_Static_assert(sizeof(struct weir_path_pair) == 40, "hash key has holes");

/* Pairs of each stage; what comes later is counted in weir_path_cpu.pairs_full. */
#define WEIR_PATH_PAIRS 256

/* A device that asks for path or loss, in a hash table of the image with linear probing. */
struct weir_path_device {
	__u32 ifindex; /* 0: free */
	__u32 stages; /* 1 << WEIR_STAGE_PATH, _LOSS */
	__u32 sample_mask; /* the sample is one packet of this plus 1, a power of two */
	__u32 pad;
};
_Static_assert(sizeof(struct weir_path_device) == 16, "device has holes");

/* No device is further from where its ifindex points to. */
#define WEIR_PATH_PROBES 8

static inline __attribute__((always_inline)) __u32 weir_path_slot(__u32 ifindex, __u32 mask)
{
	return (ifindex * 2654435761U >> 16) & mask;
}

/* What a monitor of slow packets wants. Off when until_ns is past: a monitor that died costs nothing. */
struct weir_slow_ask {
	__u64 until_ns; /* CLOCK_MONOTONIC; renewed by the monitor */
	__u32 over[WEIR_SLOW_COUNT]; /* by stage, RTT last; 0: never */
	__u32 total; /* over all stages together; 0: never */
	/* Filters; 0 is any. A packet matches by any place that it passed. */
	__u64 netns;
	__u32 ifindex;
	__u32 pid; /* that reads */
	__u8 host[2][16]; /* v4-mapped; each must be source or destination */
	__u16 port[2]; /* host order; the same */
	__u8 proto;
	__u8 id; /* not 0: of this monitor, so that it hears of nothing that one before it found */
	__u8 pad[2];
	__u32 per_s; /* events that a CPU may tell in a second; 0: WEIR_SLOW_PER_S */
	__u32 pad2;
};
_Static_assert(sizeof(struct weir_slow_ask) == 112, "slow ask has holes");

#define WEIR_SLOW_PER_S 1000

/*
 * One slow packet, in the ring buffer weir_slow: written when it is read, or when
 * its record gives way. A monitor takes those from the records that no hook sees
 * any more.
 */
struct weir_slow {
	__u64 time_ns; /* CLOCK_MONOTONIC, when the packet was seen last */
	struct weir_path_place from; /* where the stage began */
	struct weir_path_place to; /* where it ended; ifindex 0 where nobody knows */
	__u8 saddr[16]; /* v4-mapped */
	__u8 daddr[16];
	__u16 sport; /* host order; 0 where there is none */
	__u16 dport;
	__u8 proto;
	__u8 tcp_flags;
	__u8 stage; /* enum weir_path_stage, or WEIR_SLOW_RTT; the longest where it is the sum */
	__u8 is_v6;
	__u32 seq; /* host order, of TCP */
	__u32 ack;
	__u16 window; /* as in the header, not scaled */
	__u16 is_again; /* there was an event of this packet before */
	__u32 cpu;
	__u32 ticks; /* delay of @stage */
	__u32 total; /* since the packet was first seen */
	__u32 delay[WEIR_PATH_COUNT]; /* + 1; 0: not seen, or not yet */
	__u32 pid; /* that reads it (WAKE, APP); 0: not known */
	__u32 retransmits; /* of this flow so far */
	__u32 process_retransmits; /* of all flows of pid; 0 also where it is not known */
	char comm[16]; /* of pid */
	__u32 woken_pid; /* whom its arrival woke; 0: nobody, or nobody knows */
	char woken_comm[16];
};
_Static_assert(sizeof(struct weir_slow) == 184, "slow event has holes");

/* What is lost, or undone. X(symbol, name, explanation) */
#define WEIR_DROP_KINDS(X)                                                     \
	X(DROP, "drop", "the kernel dropped it, by reason")                    \
	X(RETRANSMIT, "retransmit", "TCP sent a segment again")                \
	X(RESET_SENT, "reset-sent", "this host refused or broke a connection") \
	X(RESET_RECEIVED, "reset-received", "the peer refused or broke it")    \
	X(CONNECT_FAILED, "connect-failed", "a handshake that this host began came to nothing")

enum weir_drop_kind {
#define X(sym, name, text) WEIR_DROP_##sym,
	WEIR_DROP_KINDS(X)
#undef X
		WEIR_DROP_COUNT
};

/* Key of weir_drops. */
struct weir_drop_key {
	__u64 netns; /* 0: the kernel no longer knew */
	__u32 ifindex;
	__u32 reason; /* enum skb_drop_reason of this kernel; 0 of what is no drop */
	__u32 kind; /* enum weir_drop_kind */
	__u32 pad; /* must be 0 */
};
_Static_assert(sizeof(struct weir_drop_key) == 24, "hash key has holes");

/* Its value, per CPU. */
struct weir_drop {
	__u64 packets;
	__u64 last_ns; /* CLOCK_MONOTONIC */
};

/* More than these are counted in weir_path_cpu.drops_full. */
#define WEIR_DROPS_MOST 2048

/* A flow that sent again. The oldest of a set gives way. */
struct weir_retransmit {
	__u8 saddr[16]; /* of the sender; v4-mapped */
	__u8 daddr[16];
	__u16 sport; /* host order */
	__u16 dport;
	__u32 count; /* of the connection that has these ends now; 0: free */
	__u64 netns; /* of the socket */
	__u64 last_ns; /* CLOCK_MONOTONIC */
	__u32 pid; /* who has the socket; 0: not known */
	char comm[16];
	__u32 pad;
};
_Static_assert(sizeof(struct weir_retransmit) == 80, "retransmit has holes");

#define WEIR_RETRANSMIT_WAYS 4
#define WEIR_RETRANSMIT_SETS 512 /* 2,048 flows, 160 KiB */

struct weir_retransmit_set {
	struct weir_retransmit way[WEIR_RETRANSMIT_WAYS];
};

/* What a process lost. The oldest of a set gives way. */
struct weir_process {
	__u32 pid; /* 0: free */
	__u32 retransmits;
	__u32 resets_sent;
	__u32 resets_received;
	__u32 connects_failed;
	__u32 pad;
	__u64 last_ns;
	char comm[16];
};
_Static_assert(sizeof(struct weir_process) == 48, "process has holes");

#define WEIR_PROCESS_WAYS 4
#define WEIR_PROCESS_SETS 256 /* 1,024 processes, 48 KiB */

struct weir_process_set {
	struct weir_process way[WEIR_PROCESS_WAYS];
};

/* Of one CPU. X(symbol, explanation) */
#define WEIR_PATH_COUNTERS(X)                                                \
	X(started, "sampled packets seen first")                             \
	X(matched, "stages measured")                                        \
	X(evicted, "records that gave way while they were young")            \
	X(pairs_full, "stages not in a histogram: too many interface pairs") \
	X(sockets_full, "packets that wait in a socket whose list was full") \
	X(drops_full, "drops without a place in the table")                  \
	X(retransmits_evicted, "flows that gave way")                        \
	X(processes_evicted, "processes that gave way")                      \
	X(slow_told, "slow events written")                                  \
	X(slow_suppressed, "above the rate")                                 \
	X(slow_full, "the reader was too slow")

struct weir_path_cpu {
#define X(sym, text) __u64 sym;
	WEIR_PATH_COUNTERS(X)
#undef X
	__u64 slow_tat; /* ns; token bucket of slow events */
	__u64 jiffies; /* of this kernel, when drops were counted last */
	__u64 jiffies_ns; /* CLOCK_MONOTONIC then */
	/* The drop that was counted last, and more of it in the same jiffy that its row has not. */
	struct weir_drop_key drop;
	__u64 drop_jiffies;
	__u64 drop_packets;
};

#endif
