/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory of one translation, given back at once. It does not run out: the
 * command ends with a message when the system has no more.
 */
#ifndef WEIR_IMPORT_MEMORY_H
#define WEIR_IMPORT_MEMORY_H

#include <stddef.h>

struct import_memory;

struct import_memory *import_memory_new(void);
void import_memory_free(struct import_memory *m);

/* @size zero bytes, aligned for any object. */
void *import_alloc(struct import_memory *m, size_t size);

/* Text of a format, and of @size bytes. */
char *import_text(struct import_memory *m, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
char *import_copy(struct import_memory *m, const char *text, size_t size);

/*
 * @list of @count elements of @size bytes with room for one more. Lists grow at
 * powers of two, so @count alone says when they are full.
 */
void *import_grow(struct import_memory *m, void *list, size_t count, size_t size);

/* A new element, zeroed, at the end of a list. */
#define IMPORT_APPEND(m, list, count)                                        \
	({                                                                   \
		(list) = import_grow((m), (list), (count), sizeof(*(list))); \
		&(list)[(count)++];                                          \
	})

#endif
