/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is pinned: one folder per instance and network namespace,
 *
 *     /sys/fs/bpf/weir/INSTANCE/ns-COOKIE/
 *         maps-N/weir_image ...       the maps in force are those of the highest N
 *         xdp-IFINDEX ...             links and programs; see attach.h
 *
 * It describes itself: the image holds the configuration, programs hold what
 * they were made for, and nothing is remembered elsewhere.
 */
#ifndef WEIR_STATE_H
#define WEIR_STATE_H

#include <limits.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "failure.h"
#include "weir/abi.h"
#include "weir/image.h"

/* Sizes that maps have or need; powers of two but for hists, losses and rings. */
struct capacity {
	__u32 image_bytes; /* without WEIR_IMAGE_PAD */
	__u32 devices;
	__u32 rules;
	__u32 backends;
	__u32 flow_sets; /* weir_flow_sets(); 1 when nothing is measured */
	__u32 stamp_sets; /* weir_stamp_sets(); the same */
	__u32 hists; /* weir_hists_count(), or 1 */
	__u32 losses; /* devices * WEIR_DIR_COUNT, or 1; WEIR_HEAT_COLUMNS as many columns */
	__u32 prefix_sets; /* 1 when nothing is measured by prefix */
	__u32 sets_bytes; /* without WEIR_SETS_PAD */
	__u32 limit_base; /* buckets of rules, as many as rules; 0 when nothing is limited */
	__u32 limit_sets; /* of buckets of sources; 1 when nothing is limited */
	__u32 conn_sets; /* 1 when no rule asks for "established" */
	__u32 services;
	__u32 rings; /* any number */
	__u32 pin_sets; /* 1 when no service pins flows */
	__u32 nat_sets; /* 1 when no service translates */
	__u32 nat_flows; /* the same */
	__u32 log_bytes; /* a page when nothing is logged */
	__u32 path_sets; /* 1 when no device has "measure path" */
	__u32 path_pairs; /* the same */
	__u32 slow_bytes; /* a page when nothing is measured */
	__u32 drops; /* 1 when no device has "measure loss"; then so are the two below */
	__u32 retransmit_sets;
	__u32 process_sets;
	__u32 counting_cpus; /* that have counters of their own; 1: all count in the same ones */
};

/* The least of everything, as where all is off. */
#define CAPACITY_PAGE 4096U
#define CAPACITY_LEAST                        \
	((struct capacity){                   \
		.image_bytes = CAPACITY_PAGE, \
		.devices = 1,                 \
		.rules = 1,                   \
		.backends = 1,                \
		.flow_sets = 1,               \
		.stamp_sets = 1,              \
		.hists = 1,                   \
		.losses = 1,                  \
		.prefix_sets = 1,             \
		.sets_bytes = CAPACITY_PAGE,  \
		.limit_sets = 1,              \
		.conn_sets = 1,               \
		.services = 1,                \
		.rings = 1,                   \
		.pin_sets = 1,                \
		.nat_sets = 1,                \
		.nat_flows = 1,               \
		.log_bytes = CAPACITY_PAGE,   \
		.path_sets = 1,               \
		.path_pairs = 1,              \
		.slow_bytes = CAPACITY_PAGE,  \
		.drops = 1,                   \
		.retransmit_sets = 1,         \
		.process_sets = 1,            \
		.counting_cpus = 1,           \
	})

struct maps {
	int fd[WEIR_MAP_COUNT]; /* -1: none */
};

struct state {
	char path[PATH_MAX];
	int lock; /* held by writers, else -1 */
	__u32 number; /* N of the maps in force, 0: none */
	bool is_foreign; /* what is pinned has another ABI */
	struct maps maps;
	struct capacity capacity;
	__u32 image_map_id; /* of the outer map, which programs name */
	const struct weir_image *image; /* mapped; NULL when nothing is applied */
	size_t image_mapped; /* bytes */
	const struct weir_ring
		*rings; /* room for capacity.rings; read by state_ring(); NULL: none */
	const struct weir_settle *settle; /* capacity.services */
	struct ahead *ahead; /* that reads the image, too; borrowed, NULL: none */
};

#define STATE_NONE                                                               \
	{                                                                        \
		.lock = -1, .maps = {.fd = { [0 ... WEIR_MAP_COUNT - 1] = -1 } } \
	}

extern const char *const map_names[WEIR_MAP_COUNT];

struct bpf_object;

/* Fails with EXIT_NOT_FOUND where nothing is applied. */
int state_open(struct state *s, const char *instance, struct failure *why);

/*
 * Make the folder if need be, mount bpffs if need be and say so, and keep other
 * writers out. Succeeds where nothing is applied, with image NULL.
 */
int state_open_to_write(struct state *s, const char *instance, struct failure *why);

/* Like it, but succeeds where another version of weir stands, with is_foreign and image NULL. */
int state_open_to_remove(struct state *s, const char *instance, struct failure *why);

void state_close(struct state *s);

/*
 * A ring of the map, which is mapped when it is first asked for: all of them
 * may be a gigabyte. Lives as long as the state; NULL with errno where it fails.
 */
const struct weir_ring *state_ring(const struct state *s, __u32 index);

/* Sizes of maps that hold an image. */
int maps_capacity(const struct maps *m, struct capacity *c, struct failure *why);

/* Create maps of these sizes that belong to nobody yet and hold no image. */
int maps_create(const struct capacity *c, struct maps *m, struct failure *why);

/* Have @object, not yet loaded, use those of its maps that are in @maps. Returns 0 or -errno. */
int maps_reuse(struct bpf_object *object, const struct maps *maps);
void maps_close(struct maps *m);

/*
 * Put into @to, which is new, those maps of @from that live on as they are,
 * because they have the same size: connections, pins, translated flows, rings, buckets, the log,
 * heat maps and prefixes.
 */
int maps_share(const struct maps *from, const struct capacity *was, struct maps *to,
	       const struct capacity *is, struct failure *why);

/* Put a new image in force: one write, after which no packet sees the old one. */
int maps_swap_image(const struct maps *m, const struct capacity *c, const struct weir_image *image,
		    __u32 bytes, struct failure *why);

/* Pin @m as the maps in force, beside the old ones; state_drop_old_maps() unpins those. */
int state_adopt_maps(struct state *s, const struct maps *m, struct failure *why);
void state_drop_old_maps(const struct state *s);

/* Undo state_adopt_maps(): the maps before are in force again. */
void state_disown_maps(struct state *s);

/* Remove the maps and the folder, once nothing is attached. */
int state_remove(struct state *s, struct failure *why);

/* Path of a pin named @name in the folder. */
void state_pin_path(const struct state *s, const char *name, char path[PATH_MAX]);

/* A map's kernel id, or 0. */
__u32 map_id(int fd);

#endif
