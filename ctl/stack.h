/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hooks in the stack, for "measure path" and "measure loss": BTF tracepoints,
 * one set for all devices of a namespace. Each is a pinned link,
 *
 *     stack-PROGRAM
 *
 * There are two groups, WEIR_STAGE_PATH and WEIR_STAGE_LOSS, given as bits.
 * The programs of a group are loaded and replaced together, as they share the
 * storage of sockets. What a kernel does not have is left out, and said.
 */
#ifndef WEIR_STACK_H
#define WEIR_STACK_H

#include <stdbool.h>

#include "failure.h"
#include "state.h"
#include "weir/abi.h"

/* X(symbol, program, tracepoint, group, what is not seen without it; "": another hook sees it) */
#define STACK_HOOKS(X)                                                                            \
	X(QUEUE, "weir_queue", "net_dev_queue", PATH, "send, qdisc, forward")                     \
	X(XMIT, "weir_xmit", "net_dev_start_xmit", PATH, "qdisc, hop")                            \
	X(RECEIVE, "weir_receive", "netif_receive_skb", PATH, "hop, driver, stack, forward")      \
	X(SEGMENT, "weir_segment", "tcp_probe", PATH, "stack and app of TCP")                     \
	X(STREAM, "weir_stream", "tcp_rcv_space_adjust", PATH, "app of TCP")                      \
	X(READY, "weir_ready", "sk_data_ready", PATH, "stack of UDP and ICMP: it is part of app") \
	X(COPY, "weir_copy", "skb_copy_datagram_iovec", PATH, "app of ICMP")                      \
	X(RECV, "weir_recv", "sock_recv_length", PATH, "")                                        \
	X(CONSUME, "weir_consume", "consume_skb", PATH, "app of UDP")                             \
	X(DROP, "weir_drop", "kfree_skb", LOSS, "drops of the kernel")                            \
	X(RESEND, "weir_resend", "tcp_retransmit_skb", LOSS, "retransmits")                       \
	X(RESET_TX, "weir_reset_tx", "tcp_send_reset", LOSS, "resets that are sent")              \
	X(RESET_RX, "weir_reset_rx", "tcp_receive_reset", LOSS, "resets that come in")            \
	X(STATE, "weir_state", "inet_sock_set_state", LOSS, "connections that fail")              \
	X(READER, "weir_reader", "tcp_rcv_space_adjust", LOSS, "the process that reads")          \
	X(WRITER, "weir_writer", "sock_send_length", LOSS, "the process that only writes")

enum stack_hook {
#define X(sym, program, tracepoint, group, without) STACK_##sym,
	STACK_HOOKS(X)
#undef X
		STACK_HOOK_COUNT
};

struct stack_hook_type {
	const char *program;
	const char *tracepoint;
	const char *without; /* what is not seen without it */
	__u32 group; /* 1 << WEIR_STAGE_* */
};

extern const struct stack_hook_type stack_hooks[STACK_HOOK_COUNT];

/* What is pinned. */
struct stack {
	int link[STACK_HOOK_COUNT]; /* -1: none */
	__u32 found; /* groups of which there is anything */
	__u32 fit; /* groups that are whole, and were made as they are wanted */
};

#define STACK_NONE                                            \
	{                                                     \
		.link = { [0 ... STACK_HOOK_COUNT - 1] = -1 } \
	}

/*
 * Read what is pinned. @wanted are sizes and image as programs must have been
 * made for. To be closed by the caller.
 */
int stack_read(const struct state *s, const struct capacity *wanted, __u32 image_map_id,
	       struct stack *out, struct failure *why);
void stack_close(struct stack *s);

/* Programs that are to take the place of a group, and what stood there. */
struct stack_change {
	__u32 groups; /* loaded */
	int program[STACK_HOOK_COUNT]; /* -1: not of these groups, or not to be had */
	struct stack before;
	__u32 done; /* hooks that were touched, 1 << enum stack_hook */
};

#define STACK_CHANGE_NONE                                                              \
	{                                                                              \
		.program = { [0 ... STACK_HOOK_COUNT - 1] = -1 }, .before = STACK_NONE \
	}

/*
 * Load the programs of @groups over @maps; nothing changes yet. A hook that the
 * kernel does not have or refuses is noted, and left out. Fails when none of a
 * group can be had.
 */
int stack_load(const struct state *s, const struct maps *maps, const struct capacity *c,
	       __u32 groups, struct stack_change *change, struct failure *why);

/* Attach what was loaded, and let go of what stood there; stack_undo() brings that back. */
int stack_attach(const struct state *s, struct stack_change *change, struct failure *why);
void stack_undo(const struct state *s, struct stack_change *change, struct failure *ignored);
void stack_change_close(struct stack_change *change);

/* Detach the hooks of @groups, and what an apply that was killed left behind. */
int stack_remove(const struct state *s, __u32 groups, struct failure *why);

/* Why a hook that is not attached is not: a reason of this kernel's, or NULL. */
const char *stack_reason(enum stack_hook hook);

#endif
