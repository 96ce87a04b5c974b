// SPDX-License-Identifier: GPL-2.0-or-later
#include "image_internal.h"
#include "weir/path.h"

static bool put(struct weir_path_device *table, __u32 mask, const struct image_device *device)
{
	__u32 first = weir_path_slot(device->ifindex, mask);

	for (__u32 i = 0; i < WEIR_PATH_PROBES; i++) {
		struct weir_path_device *row = &table[(first + i) & mask];

		if (row->ifindex)
			continue;
		*row = (struct weir_path_device){
			.ifindex = device->ifindex,
			.stages = device->stages & WEIR_STAGES_OF_STACK,
			.sample_mask = device->sample_mask,
		};
		return true;
	}
	return false;
}

static bool fill(struct weir_path_device *table, __u32 mask, const struct image_spec *spec)
{
	for (size_t i = 0; i < spec->devices_count; i++) {
		if (spec->devices[i].stages & WEIR_STAGES_OF_STACK &&
		    !put(table, mask, &spec->devices[i]))
			return false;
	}
	return true;
}

/* A table that a device does not fit into stays behind as unused room; the next is twice as large. */
void build_path(struct builder *b, const struct image_spec *spec)
{
	__u32 rows = WEIR_PATH_PROBES, offset, stages = 0, sample_mask = ~0U;
	struct weir_image *header;

	for (size_t i = 0; i < spec->devices_count; i++) {
		const struct image_device *device = &spec->devices[i];

		stages |= device->stages & WEIR_STAGES_OF_STACK;
		if (device->stages & 1U << WEIR_STAGE_PATH)
			sample_mask &= device->sample_mask;
	}
	while (rows < 2 * spec->devices_count)
		rows *= 2;
	do {
		rows *= 2;
		offset = builder_add(b, rows * sizeof(struct weir_path_device));
	} while (!b->error &&
		 !fill(BUILDER_AT(b, offset, struct weir_path_device), rows - 1, spec));
	if (b->error)
		return;
	header = BUILDER_AT(b, 0, struct weir_image);
	header->netns = spec->netns;
	header->path_offset = offset;
	header->path_mask = rows - 1;
	header->path_sample_mask = sample_mask;
	header->path_stages = stages;
}
