// SPDX-License-Identifier: GPL-2.0-or-later
/* Sets of a configuration. */
#include "parser_build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "own.h"
#include "ranges.h"
#include "set_text.h"

struct set *build_set(struct build *b, const struct word *name)
{
	struct set s = { .type = SET_TYPE_UNSET, .loc = name->loc };

	if (!build_name(b, name, "set", s.name) || !RESERVE(b, b->model.sets, b->model.sets_count))
		return NULL;
	b->model.sets[b->model.sets_count] = s;
	return &b->model.sets[b->model.sets_count++];
}

void build_set_file(struct build *b, struct set *s, const struct word *path)
{
	OWN_FREE char *raw = NULL;
	size_t used = 0;

	if (s->file || !(raw = build_copy(b, path)))
		return;
	for (size_t i = 0; i < path->size; i++) {
		if ((unsigned char)raw[i] < ' ' || raw[i] == 0x7f) {
			build_error(b, path->loc, NULL, "a file name has no control characters");
			return;
		}
		if (raw[i] == '\\' && path->kind == WORD_STRING && i + 1 < path->size)
			i++;
		raw[used++] = raw[i];
	}
	raw[used] = 0;
	if (!used)
		build_error(b, path->loc, NULL, "the file name is empty");
	s->file = TAKE_PTR(raw);
}

static void add_entry(struct build *b, struct set *s, const struct word *w)
{
	char text[WORD_TEXT_BYTES];
	struct problem why;
	int error;

	word_text(w, text, sizeof(text));
	if (!build_count_value(b, w))
		return;
	error = set_element_parse(s->type, text, &s->entries, &why);
	if (error == -EINVAL)
		build_problem(b, w, &why);
	b->out_of_memory |= error == -ENOMEM;
}

void build_set_timeout(struct build *b, struct set *s, const struct word *w)
{
	char text[WORD_TEXT_BYTES];
	struct problem why;

	word_text(w, text, sizeof(text));
	if (w->kind == WORD_SET)
		build_error(b, w->loc, NULL, "a set cannot stand here; write the timeout");
	else if (!set_timeout_parse(text, &s->timeout_s, &why))
		build_problem(b, w, &why);
}

/* What prefixes and addresses cover. */
static void cover(struct build *b, struct set *s)
{
	size_t count = s->entries.count;

	s->elements = calloc(2 * count + 1, sizeof(*s->elements));
	b->out_of_memory |= !s->elements;
	for (size_t i = 0; i < count && s->elements; i++) {
		const struct set_element *e = &s->entries.list[i];
		u128 key = (u128)e->hi << 64 | e->lo;
		__u32 bits = s->type == SET_PREFIX ? e->detail : e->is_v6 ? 128 : 32;
		range *r = &s->elements[s->elements_count];
		u128 hosts;

		if (!e->is_v6) {
			key = V4_FIRST | key >> 96;
			bits += 96;
		}
		hosts = bits == 128 ? 0 : ~(u128)0 >> bits;
		if (e->is_v6) {
			s->elements_count += v6_to_ranges(key, key | hosts, r);
		} else {
			range_set(r, key, key | hosts);
			s->elements_count++;
		}
	}
}

/* Of prefixes a set may have the same one twice: it is one element. */
static void finish(struct build *b, struct set *s)
{
	set_elements_normalise(&s->entries);
	if (s->type == SET_PREFIX || s->type == SET_ADDRESS)
		cover(b, s);
	s->elements_count = ranges_normalise(s->elements, s->elements_count);
}

void build_set_element(struct build *b, struct set *s, const struct word *w)
{
	if (s->type == SET_TYPE_REFUSED)
		return;
	if (s->type == SET_TYPE_UNSET) {
		build_error(b, s->loc, NULL,
			    "set %s has no type before its elements; write "
			    "\"type prefix\" first, or address, address+port, interface or port",
			    s->name);
		return;
	}
	if (w->kind == WORD_SET) {
		build_error(b, w->loc, NULL,
			    "a set cannot hold another one; put its elements here");
		return;
	}
	if (s->type == SET_PORT)
		build_ranges(b, &s->elements, &s->elements_count, VALUE_PORT, w);
	else
		add_entry(b, s, w);
}

void build_set_end(struct build *b, struct set *s, unsigned int written)
{
	bool has_file = written & 1 << SET_WORD_FILE,
	     has_elements = written & 1 << SET_WORD_ELEMENTS;

	if (s->type == SET_TYPE_UNSET)
		build_error(b, s->loc, NULL,
			    "set %s has no type; write \"type prefix\", or address, address+port, "
			    "interface or port",
			    s->name);
	else if (!has_file && !has_elements && s->type == SET_PORT)
		build_error(b, s->loc, NULL,
			    "set %s has nothing in it; write \"elements { ... }\" or \"file PATH\"",
			    s->name);
	else if (has_file && has_elements && b->files == MODEL_FILES_READ)
		build_error(b, s->loc, NULL, "set %s has both a file and elements; keep one",
			    s->name);
	else if (has_file && !has_elements && b->files == MODEL_FILES_STORED && s->type == SET_PORT)
		build_error(b, s->loc, NULL,
			    "set %s has a file but no elements; a stored configuration has both",
			    s->name);
	else if (has_file && !has_elements && s->file && b->files == MODEL_FILES_READ)
		build_read_set_file(b, s);
	s->is_elsewhere = has_file && !has_elements && b->files == MODEL_FILES_STORED;
	if (s->type == SET_PORT && s->timeout_s)
		build_error(b, s->loc, NULL, "set %s: ports have no timeout; leave it out", s->name);
	finish(b, s);
}
