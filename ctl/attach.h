/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs on devices. An attachment outlives this process by its pin:
 *
 *     xdp-IFINDEX, ingress-IFINDEX, egress-IFINDEX    a bpf_link (XDP, tcx)
 *     ingress-cls-IFINDEX, egress-cls-IFINDEX         a program that cls_bpf runs
 *     clsact-IFINDEX                                  the clsact qdisc there is weir's
 */
#ifndef WEIR_ATTACH_H
#define WEIR_ATTACH_H

#include <net/if.h>
#include <stdbool.h>

#include "failure.h"
#include "model.h"
#include "program.h"
#include "state.h"

/* How a program stands on its device. X(symbol, name) */
#define WAYS(X)               \
	X(NATIVE, "native")   \
	X(GENERIC, "generic") \
	X(OFFLOAD, "offload") \
	X(TCX, "tcx")         \
	X(CLSACT, "clsact")

enum way {
#define X(sym, name) WAY_##sym,
	WAYS(X)
#undef X
		WAY_COUNT
};

extern const char *const way_names[WAY_COUNT];

struct attachment {
	enum hook hook;
	enum way way;
	__u32 ifindex; /* 0: the device is gone, and the link with it */
	char pin[32]; /* its name in the state's folder */
	int link; /* -1 with clsact */
	int program;
	struct weir_program config;
	__u32 image_map_id; /* 0: not in place, or not to be read; to be replaced */
};

struct attachments {
	struct attachment *list;
	size_t count;
};

/* Everything that the state's pins hold. To be closed by the caller. */
int attachments_read(const struct state *s, struct attachments *out, struct failure *why);
void attachments_close(struct attachments *a);
void attachment_close(struct attachment *a);
const struct attachment *attachment_find(const struct attachments *a, __u32 ifindex,
					 enum hook hook);

/*
 * Fails with EXIT_CONFLICT, naming it and how to remove it, when a program of
 * somebody else stands where one of weir's is to be attached.
 */
int attach_check_foreign(const struct state *s, __u32 ifindex, const char *ifname, enum hook hook,
			 struct failure *why);

/*
 * Attach @program, and pin it. @xdp and @tc are what the configuration wants;
 * @out says what was achieved. Where it fails nothing is left behind.
 */
int attach_xdp(const struct state *s, __u32 ifindex, const char *ifname, enum xdp_mode mode,
	       int program, struct attachment *out, struct failure *why);
int attach_tc(const struct state *s, __u32 ifindex, const char *ifname, enum hook hook,
	      enum tc_mode mode, int program, struct attachment *out, struct failure *why);

/* Put @program in the place of the one that is attached; no packet is missed. */
int attach_update(const struct state *s, const struct attachment *a, int program,
		  struct failure *why);

/* Detach and unpin. */
int attach_remove(const struct state *s, const struct attachment *a, struct failure *why);

/* How the XDP program of @ifindex is attached now. */
enum way xdp_way(__u32 ifindex);

#endif
