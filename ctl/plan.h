/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What it takes to get from the state in force to a configuration. Making a
 * plan changes nothing; carrying it out is apply.h's.
 */
#ifndef WEIR_PLAN_H
#define WEIR_PLAN_H

#include "attach.h"
#include "balance.h"
#include "diff.h"
#include "host.h"
#include "model.h"
#include "needs.h"
#include "state.h"
#include "weir/set.h"

/*
 * What becomes of a program. X(symbol, name, what plan says of it)
 */
#define STEPS(X)                                                                                  \
	X(KEEP, "keep", "stays")                                                                  \
	X(ATTACH, "attach", "is attached")                                                        \
	X(UPDATE, "update", "is replaced in place, no packet missed")                             \
	X(REPLACE, "replace", "is detached and attached in another mode, packets pass meanwhile") \
	X(DETACH, "detach", "is detached")

enum step {
#define X(sym, name, text) STEP_##sym,
	STEPS(X)
#undef X
};

struct plan_hook {
	enum step step;
	const struct attachment *attached; /* NULL with STEP_ATTACH */
	struct weir_program config; /* what the program must be made for */
};

struct plan_device {
	struct host_link link;
	const struct interface *config;
	__u32 slot;
	bool is_new; /* the slot's counters are to be cleared */
	__u32 stages;
	struct plan_hook hook[HOOK_COUNT];
};

struct plan_route {
	struct host_route route;
	int error; /* -errno: the backend cannot be reached now */
};

struct plan_set {
	__u32 slot; /* of the arena */
	bool keeps; /* what it holds, also what was done to it live */
	__u64 configured[2]; /* digest of what the configuration has in it */
	struct weir_set *built; /* to be put there; NULL: it is there */
};

struct plan {
	const struct model *model;
	struct model old; /* what is in force; empty when nothing is */
	bool old_is_borrowed;
	struct needs needs;
	struct host *host;
	struct attachments attached;
	struct plan_device *devices;
	size_t devices_count;
	struct host_link *links; /* of the namespace, in the order of their ifindex */
	size_t links_count;
	struct attachment *leaving; /* not wanted any more, or on a device that is gone; borrowed */
	size_t leaving_count;
	__u32 *rule_ids; /* as image_spec wants them */
	__u8 *rule_is_new;
	__u32 *backend_ids;
	__u8 *backend_is_new;
	__u32 *service_ids;
	__u8 *service_is_new;
	struct rings rings;
	struct plan_route *routes; /* to each backend */
	struct plan_set *sets; /* of the model */
	__u32 *set_slots; /* as image_spec wants them */
	struct weir_image *image;
	__u32 image_bytes;
	struct capacity capacity;
	__u32 stack_loads; /* groups of the stack's hooks to be loaded, 1 << WEIR_STAGE_* */
	__u32 stack_leaves; /* and to be removed */
	bool changes_host; /* addresses or routes are not what the image in force was built with */
	bool rebuilds; /* the maps in force are too small, or there are none */
	struct diff_count diff;
	char *diff_text;
};

/* Which devices a plan may touch, besides those that are attached already. */
struct plan_scope {
	const char *with; /* this one, too; NULL: none */
	const char *without; /* and not this one; NULL: all of them */
	const struct weir_set *set; /* new contents of one; NULL: none */
	bool is_all; /* every device that is there; that one is gone is no error */
	bool keeps_routes; /* backends that are in force are reached as before */
	const struct model *old; /* what is in force, without sets of files; NULL: it is read */
};

/*
 * Compare @model with what @s holds, and check that the host can have it:
 * devices exist and are Ethernet, no foreign program is in the way, packets can
 * be forwarded. To be closed also when it fails.
 *
 * @scope  NULL: all devices that the configuration means, and each must exist
 */
int plan_make(struct plan *p, const struct state *s, struct host *host, const struct model *model,
	      const struct plan_scope *scope, struct failure *why);
void plan_close(struct plan *p);

/* Say why image_build() returned @error. */
int plan_image_failed(const struct model *m, int error, struct failure *why);

/* Programs that are loaded, whether anything at all is left to do. */
unsigned int plan_loads(const struct plan *p);
bool plan_is_empty(const struct plan *p);

/* The interface block that @ifname falls under: its own name first, then the first pattern. */
const struct interface *interface_for(const struct model *m, const char *ifname);

#endif
