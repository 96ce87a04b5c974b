/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hooks in the stack, for "measure path" and "measure loss": tracepoints, or
 * functions of a kernel that lacks one, one set for all devices of a namespace.
 * Each is a pinned link,
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

/* Providers of a hook, 1 << enum weir_hook_provider. Storage of sockets needs a typed one. */
#define STACK_TYPED (1U << WEIR_HOOK_BTF)
#define STACK_TRACED (STACK_TYPED | 1U << WEIR_HOOK_RAW)
#define STACK_TYPED_CALL (STACK_TYPED | 1U << WEIR_HOOK_FENTRY)
#define STACK_ANY (STACK_TRACED | 1U << WEIR_HOOK_FENTRY | 1U << WEIR_HOOK_KPROBE)

/*
 * X(symbol, program, group, providers, tracepoint, function of the kernel that is
 * called as the tracepoint is, what is not seen without it; "": another hook sees it)
 */
#define STACK_HOOKS(X)                                                                             \
	X(QUEUE, "weir_queue", PATH, TRACED, "net_dev_queue", "", "send, qdisc, forward")          \
	X(XMIT, "weir_xmit", PATH, TRACED, "net_dev_start_xmit", "", "qdisc, hop")                 \
	X(RECEIVE, "weir_receive", PATH, TRACED, "netif_receive_skb", "",                          \
	  "hop, driver, stack, forward")                                                           \
	X(SEGMENT, "weir_segment", PATH, TRACED, "tcp_probe", "", "stack and app of TCP")          \
	X(STREAM, "weir_stream", PATH, TYPED, "tcp_rcv_space_adjust", "", "app of TCP")            \
	X(READY, "weir_ready", PATH, ANY, "sk_data_ready", "sock_def_readable",                    \
	  "stack of UDP and ICMP, which is part of app, and who is woken")                         \
	X(COPY, "weir_copy", PATH, TRACED, "skb_copy_datagram_iovec", "", "app of ICMP")           \
	X(RECV, "weir_recv", PATH, TYPED, "sock_recv_length", "", "")                              \
	X(CONSUME, "weir_consume", PATH, TRACED, "consume_skb", "", "app of UDP")                  \
	X(WAKING, "weir_waking", PATH, TRACED, "sched_waking", "",                                 \
	  "wake, which is part of app, and who is woken")                                          \
	X(SWITCH, "weir_switch", PATH, TRACED, "sched_switch", "", "wake: it is part of app")      \
	X(DROP, "weir_drop", LOSS, TRACED, "kfree_skb", "", "drops of the kernel")                 \
	X(RESEND, "weir_resend", LOSS, TRACED, "tcp_retransmit_skb", "", "retransmits")            \
	X(RESET_TX, "weir_reset_tx", LOSS, TRACED, "tcp_send_reset", "", "resets that are sent")   \
	X(RESET_RX, "weir_reset_rx", LOSS, TRACED, "tcp_receive_reset", "", "resets that come in") \
	X(STATE, "weir_state", LOSS, TRACED, "inet_sock_set_state", "", "connections that fail")   \
	X(READER, "weir_reader", LOSS, TYPED, "tcp_rcv_space_adjust", "",                          \
	  "the process that reads")                                                                \
	X(WRITER, "weir_writer", LOSS, TYPED_CALL, "sock_send_length", "tcp_sendmsg",              \
	  "the process that only writes")

enum stack_hook {
#define X(sym, program, group, providers, tracepoint, function, without) STACK_##sym,
	STACK_HOOKS(X)
#undef X
		STACK_HOOK_COUNT
};

struct stack_hook_type {
	const char *program;
	__u32 group; /* 1 << WEIR_STAGE_* */
	__u32 providers; /* 1 << enum weir_hook_provider: those that weir has a program for */
	const char *tracepoint;
	const char *function; /* "": none */
	const char *without; /* what is not seen without it */
};

extern const struct stack_hook_type stack_hooks[STACK_HOOK_COUNT];

/* Whether one of @hooks, 1 << enum stack_hook, sees all that @hook would. */
bool stack_is_spare(enum stack_hook hook, __u32 hooks);

/* What is pinned. */
struct stack {
	int link[STACK_HOOK_COUNT]; /* -1: none */
	__u8 provider[STACK_HOOK_COUNT]; /* enum weir_hook_provider, of those that there are */
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
	__u8 provider[STACK_HOOK_COUNT]; /* enum weir_hook_provider */
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

#endif
