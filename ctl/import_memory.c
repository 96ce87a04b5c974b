// SPDX-License-Identifier: GPL-2.0-or-later
#include "import_memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "note.h"

#define CHUNK_BYTES (1U << 16)
#define ALIGNMENT 16

struct chunk {
	struct chunk *next;
	size_t used, room;
	_Alignas(ALIGNMENT) char bytes[];
};

struct import_memory {
	struct chunk *chunks;
};

/* There is nothing to save, and nothing that went half way. */
static void *required(void *p)
{
	if (p)
		return p;
	note("out of memory");
	exit(EXIT_REFUSED);
}

struct import_memory *import_memory_new(void)
{
	return required(calloc(1, sizeof(struct import_memory)));
}

void import_memory_free(struct import_memory *m)
{
	struct chunk *next;

	for (struct chunk *c = m ? m->chunks : NULL; c; c = next) {
		next = c->next;
		free(c);
	}
	free(m);
}

static struct chunk *new_chunk(struct import_memory *m, size_t size)
{
	size_t room = size > CHUNK_BYTES ? size : CHUNK_BYTES;
	struct chunk *c = required(calloc(1, sizeof(*c) + room));

	c->room = room;
	c->next = m->chunks;
	m->chunks = c;
	return c;
}

void *import_alloc(struct import_memory *m, size_t size)
{
	struct chunk *c = m->chunks;
	void *p;

	size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (!c || c->room - c->used < size)
		c = new_chunk(m, size);
	p = c->bytes + c->used;
	c->used += size;
	return p;
}

char *import_copy(struct import_memory *m, const char *text, size_t size)
{
	char *copy = import_alloc(m, size + 1);

	if (size)
		memcpy(copy, text, size);
	return copy;
}

char *import_text(struct import_memory *m, const char *format, ...)
{
	char *text = NULL, *copy;
	va_list args;
	int size;

	va_start(args, format);
	size = vasprintf(&text, format, args);
	va_end(args);
	copy = import_copy(m, required(size < 0 ? NULL : text), size < 0 ? 0 : (size_t)size);
	free(text);
	return copy;
}

void *import_grow(struct import_memory *m, void *list, size_t count, size_t size)
{
	void *grown;

	if (count && (count & (count - 1)))
		return list;
	grown = import_alloc(m, (count ? 2 * count : 1) * size);
	if (count)
		memcpy(grown, list, count * size);
	return grown;
}
