/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The growing image, between the compilers of its parts.
 */
#ifndef WEIR_IMAGE_INTERNAL_H
#define WEIR_IMAGE_INTERNAL_H

#include "image.h"

struct builder {
	char *bytes;
	size_t used;
	size_t room;
	int error; /* -ENOMEM or -E2BIG; sticky, so that only the end checks it */
};

/* Room for @size zero bytes at an offset that is a multiple of 64. */
__u32 builder_add(struct builder *b, size_t size);

/* Room for @size bytes of @source, and a copy of them there. */
__u32 builder_copy(struct builder *b, const void *source, size_t size);

/* Valid until the next builder_add(); NULL after an error. */
#define BUILDER_AT(b, offset, type) ((b)->error ? NULL : (type *)((b)->bytes + (offset)))

/* Append the parts and note their places in the header. */
void build_filters(struct builder *b, const struct image_spec *spec);
void build_services(struct builder *b, const struct image_spec *spec);

/* The devices whose packets the stack's hooks look at. */
void build_path(struct builder *b, const struct image_spec *spec);

#endif
