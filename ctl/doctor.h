/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What keeps packets from going where the configuration wants them: looked for
 * on the host, in the kernel and in the counters, and said with its remedy.
 */
#ifndef WEIR_DOCTOR_H
#define WEIR_DOCTOR_H

#include "attach.h"
#include "host.h"
#include "model.h"
#include "state.h"

/* X(symbol, name) */
#define FINDINGS(X)                                              \
	X(OK, "ok")                                              \
	X(WARN, "warn") /* works, and not as well as it might */ \
	X(FAIL, "fail") /* packets are lost, or pass that should not */

enum finding_kind {
#define X(sym, name) FINDING_##sym,
	FINDINGS(X)
#undef X
		FINDING_KINDS
};

struct finding {
	enum finding_kind kind;
	char *subject; /* "eth0", "service web b1" */
	char *text;
	char *remedy; /* a command where there is one; NULL: none */
};

/* What is looked at. Borrowed, but for the findings. */
struct checkup {
	const struct state *state;
	const struct model *model;
	const struct attachments *attached;
	struct host *host;
	const char *only; /* this interface alone; NULL: everything */
	struct finding *findings;
	size_t count;
	/* What doctor_examine() found out first, and doctor_free() frees. */
	struct host_ask *asks; /* of all backends, in the order of the model's groups */
	struct host_route *routes;
	__u64 *before; /* counters, as they were in the beginning */
	bool is_out_of_memory;
};

/* Fill in the findings, in the order in which they are to be read. Returns 0 or -1. */
int doctor_examine(struct checkup *c, struct failure *why);
void doctor_free(struct checkup *c);

#endif
