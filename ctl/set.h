/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory of a set, that its elements become for the datapath.
 */
#ifndef WEIR_CTL_SET_H
#define WEIR_CTL_SET_H

#include "model.h"
#include "set_element.h"
#include "weir/set.h"

/* Of the datapath: devices by name, for sets of interfaces. */
struct set_device {
	char name[IFNAMSIZ];
	__u32 slot;
};

struct set_spec {
	const char *name;
	enum set_type type; /* not SET_PORT, which lies in the image */
	const struct set_elements *elements; /* sorted, each once */
	const struct set_device *devices;
	size_t devices_count;
	__u32 timeout_s;
	__u64 configured[2];
};

/*
 * Lay the set out. An interface that is no device of the datapath is in it all
 * the same, and matches nothing.
 *
 * Returns 0 with @set, to be freed by the caller, -ENOMEM, or -E2BIG.
 */
int set_build(const struct set_spec *spec, struct weir_set **set);

/* Its elements, in order. Returns 0, -ENOMEM, or -EINVAL when it is none. */
int set_read(const struct weir_set *set, struct set_elements *out);

#endif
