/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Objects of the model by name. Their name is their first member.
 */
#ifndef WEIR_NAME_INDEX_H
#define WEIR_NAME_INDEX_H

#include <stddef.h>

struct named {
	const char *name; /* borrowed; the object's own, so its address, too */
	size_t index; /* in the array of the model */
};

struct name_index {
	struct named *list; /* in the order of the model */
	size_t count;
	size_t twins; /* objects whose name an earlier one has */
	struct name_slot *slots;
	size_t mask; /* of the slots, whose count is a power of two */
};

/* Index @count objects of @stride bytes. Returns 0, or -ENOMEM with @out empty. */
int name_index_make(const void *objects, size_t count, size_t stride, struct name_index *out);

/* The first object called @name, or NULL. */
const struct named *name_index_find(const struct name_index *index, const char *name);

void name_index_free(struct name_index *index);

#endif
