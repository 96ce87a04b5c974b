/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compiling a model into an image, and reading an image back.
 */
#ifndef WEIR_CTL_IMAGE_H
#define WEIR_CTL_IMAGE_H

#include "host.h"
#include "model.h"
#include "nat.h"
#include "weir/image.h"

struct rings;

/* What a device does; @slot is its row. */
struct image_device {
	__u32 slot;
	__u32 ifindex;
	const char *name; /* that rules may ask for; NULL: none */
	__u32 stages; /* 1 << WEIR_STAGE_* */
	const char *filter; /* name, "" for none */
	const char *egress; /* the same of what leaves */
	__u32 sample_mask; /* of WEIR_STAGE_PATH */
};

/* Everything an image is made of. Borrowed. */
struct image_spec {
	const struct model *model;
	const struct image_device *devices;
	size_t devices_count;
	__u32 device_slots; /* rows of the table */
	const range *locals; /* this host's addresses, canonical */
	size_t locals_count;
	const __u32 *rule_ids; /* of all filters' rules; each filter's default follows its own */
	const __u32 *backend_ids; /* of all services' backends */
	const __u32 *service_ids;
	const struct rings *rings; /* of them */
	const __u32 *set_slots; /* in weir_sets, of all sets; those of ports have none */
	const struct host_route *routes; /* to each backend; zeroes: none */
	const struct weir_vlan *vlans; /* of the namespace */
	size_t vlans_count;
	const char *config; /* stored text */
	size_t config_bytes;
	__u64 generation;
	__u64 secret[2]; /* of hashes: that of the generation before, or random */
	__u64 applied_s;
	__u64 netns; /* cookie */
	struct nat_ports nat_ports;
};

/*
 * Returns 0 with @image, @bytes long, to be freed by the caller; -E2BIG when it
 * would exceed WEIR_MAX_IMAGE_BYTES; -ENOMEM; outputs untouched on failure.
 */
int image_build(const struct image_spec *spec, struct weir_image **image, __u32 *bytes);

/*
 * @old again, with a table of @devices rows, or an image of which no program
 * does anything where @old is NULL: what programs over new maps begin with.
 * Returns 0 with @image, to be freed by the caller, or -ENOMEM.
 */
int image_carry_over(const struct weir_image *old, __u32 devices, struct weir_image **image,
		     __u32 *bytes);

/* Rules of all filters, defaults included; the same for backends of all services. */
size_t model_rules_count(const struct model *m);
size_t model_backends_count(const struct model *m);

/* At @offset of @image. */
#define IMAGE_AT(image, offset, type) ((const type *)((const char *)(image) + (offset)))

#endif
