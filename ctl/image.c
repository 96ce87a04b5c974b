// SPDX-License-Identifier: GPL-2.0-or-later
#include "image_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LINE 64

__u32 builder_add(struct builder *b, size_t size)
{
	size_t offset = b->used, end = offset + (size + LINE - 1) / LINE * LINE;

	if (b->error)
		return 0;
	if (end > WEIR_MAX_IMAGE_BYTES) {
		b->error = -E2BIG;
		return 0;
	}
	if (end > b->room) {
		size_t room = b->room ? b->room : 4096;
		char *grown;

		while (room < end)
			room *= 2;
		grown = realloc(b->bytes, room);
		if (!grown) {
			b->error = -ENOMEM;
			return 0;
		}
		b->bytes = grown;
		b->room = room;
	}
	memset(b->bytes + offset, 0, end - offset);
	b->used = end;
	return offset;
}

__u32 builder_copy(struct builder *b, const void *source, size_t size)
{
	__u32 offset = builder_add(b, size);

	if (!b->error && size)
		memcpy(b->bytes + offset, source, size);
	return offset;
}

size_t model_rules_count(const struct model *m)
{
	size_t count = 0;

	for (size_t i = 0; i < m->filters_count; i++)
		count += m->filters[i].rules_count + 1;
	return count;
}

size_t model_backends_count(const struct model *m)
{
	size_t count = 0;

	for (size_t i = 0; i < model_groups_count(m); i++)
		count += model_group(m, i).backends_count;
	return count;
}

/* Where filter @name is, or 0. */
static __u32 find_filter(const struct weir_image *header, const struct model *m, const char *name)
{
	for (size_t i = 0; i < m->filters_count; i++) {
		if (!strcmp(m->filters[i].name, name))
			return header->filters_offset + i * sizeof(struct weir_filter);
	}
	return 0;
}

static void build_devices(struct builder *b, const struct image_spec *spec)
{
	__u32 offset = builder_add(b, spec->device_slots * sizeof(struct weir_device));
	struct weir_image *header = BUILDER_AT(b, 0, struct weir_image);
	struct weir_device *table = BUILDER_AT(b, offset, struct weir_device);

	if (b->error)
		return;
	header->devices_offset = offset;
	header->devices_count = spec->device_slots;
	for (size_t i = 0; i < spec->devices_count; i++) {
		const struct image_device *device = &spec->devices[i];
		struct weir_device *row = &table[device->slot];

		row->ifindex = device->ifindex;
		row->stages = device->stages;
		row->sample_mask = device->sample_mask;
		row->filter_offset = find_filter(header, spec->model, device->filter);
		if (device->egress)
			row->egress_offset = find_filter(header, spec->model, device->egress);
	}
}

static void build_locals(struct builder *b, const struct image_spec *spec)
{
	__u32 offset = builder_copy(b, spec->locals, spec->locals_count * sizeof(range));
	struct weir_image *header = BUILDER_AT(b, 0, struct weir_image);

	if (b->error)
		return;
	header->local_offset = offset;
	header->local_count = spec->locals_count;
}

static void build_vlans(struct builder *b, const struct image_spec *spec)
{
	__u32 offset = builder_copy(b, spec->vlans, spec->vlans_count * sizeof(*spec->vlans));
	struct weir_image *header = BUILDER_AT(b, 0, struct weir_image);

	if (b->error)
		return;
	header->vlans_offset = offset;
	header->vlans_count = spec->vlans_count;
}

static void build_config(struct builder *b, const struct image_spec *spec)
{
	__u32 offset = builder_copy(b, spec->config, spec->config_bytes);
	struct weir_image *header = BUILDER_AT(b, 0, struct weir_image);

	if (b->error)
		return;
	header->config_offset = offset;
	header->config_bytes = spec->config_bytes;
	header->generation = spec->generation;
	memcpy(header->secret, spec->secret, sizeof(header->secret));
	header->applied_s = spec->applied_s;
	header->abi = WEIR_ABI;
	header->bytes = b->used;
}

int image_build(const struct image_spec *spec, struct weir_image **image, __u32 *bytes)
{
	/* About what it takes: growing would copy. */
	size_t room = spec->config_bytes + model_rules_count(spec->model) * 160 + 4096;
	struct builder b = { .bytes = malloc(room), .room = room };

	if (!b.bytes)
		return -ENOMEM;
	builder_add(&b, sizeof(struct weir_image));
	build_filters(&b, spec);
	build_services(&b, spec);
	build_devices(&b, spec);
	build_path(&b, spec);
	build_locals(&b, spec);
	build_vlans(&b, spec);
	build_config(&b, spec);
	if (b.error) {
		free(b.bytes);
		return b.error;
	}
	*image = (struct weir_image *)b.bytes;
	*bytes = b.used;
	return 0;
}

int image_carry_over(const struct weir_image *old, __u32 devices, struct weir_image **image,
		     __u32 *bytes)
{
	struct builder b = {};
	__u32 offset;

	if (old)
		builder_copy(&b, old, old->bytes);
	else
		builder_add(&b, sizeof(struct weir_image));
	offset = builder_add(&b, devices * sizeof(struct weir_device));
	if (b.error) {
		free(b.bytes);
		return b.error;
	}
	*image = (struct weir_image *)b.bytes;
	*bytes = b.used;
	if (old)
		memcpy(b.bytes + offset, IMAGE_AT(old, old->devices_offset, char),
		       old->devices_count * sizeof(struct weir_device));
	(*image)->devices_offset = offset;
	(*image)->devices_count = devices;
	(*image)->abi = WEIR_ABI;
	(*image)->bytes = b.used;
	return 0;
}
