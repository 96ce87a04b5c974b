// SPDX-License-Identifier: GPL-2.0-or-later
/* From elements to the memory of a set, and back. */
#include "set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "own.h"
#include "set_cover.h"
#include "set_tree.h"
#include "weir/abi.h"

_Static_assert((int)SET_PREFIX == WEIR_SET_PREFIX && (int)SET_PORT == WEIR_SET_PORT &&
		       (int)SET_ADDRESS == WEIR_SET_ADDRESS &&
		       (int)SET_ADDRESS_PORT == WEIR_SET_ADDRESS_PORT &&
		       (int)SET_INTERFACE == WEIR_SET_INTERFACE,
	       "types of the model are not those of the datapath");

#define HASH_BITS 64

static __u64 random_number(void)
{
	__u64 number;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		number = (__u64)random() << 32 ^ (__u64)random();
	return number;
}

static void add_notes(struct set_memory *m, const struct set_elements *s, __u32 records)
{
	for (size_t i = 0; i < s->count && !m->error; i++) {
		const struct set_element *e = &s->list[i];
		size_t size = e->comment ? strlen(e->comment) + 1 : 1;
		struct weir_set_note *note;
		__u32 at;

		if (!e->comment && !e->is_live)
			continue;
		at = set_memory_add(m, sizeof(*note) + size, sizeof(__u32));
		if (m->error)
			return;
		note = SET_AT(m, at, struct weir_set_note);
		note->flags = e->is_live ? WEIR_SET_LIVE : 0;
		if (e->comment)
			memcpy(note->text, e->comment, size);
		SET_AT(m, records, struct weir_set_record)[i].note = at;
	}
}

static void add_records(struct set_memory *m, const struct set_spec *spec)
{
	const struct set_elements *s = spec->elements;
	__u32 at = set_memory_add(m, s->count * sizeof(struct weir_set_record), WEIR_SETS_UNIT),
	      v4 = 0;

	if (m->error)
		return;
	for (size_t i = 0; i < s->count; i++) {
		const struct set_element *e = &s->list[i];

		SET_AT(m, at, struct weir_set_record)
		[i] = (struct weir_set_record){
			.hi = e->hi, .lo = e->lo, .detail = e->detail, .expires = e->expires
		};
		v4 += !e->is_v6;
	}
	SET_AT(m, 0, struct weir_set)->records_offset = at;
	SET_AT(m, 0, struct weir_set)->records_count = (__u32)s->count;
	SET_AT(m, 0, struct weir_set)->records_v4 = v4;
	add_notes(m, s, at);
}

static __u32 word_of(const struct set_memory *m, size_t record)
{
	__u32 at = SET_AT(m, 0, struct weir_set)->records_offset;

	return (at / WEIR_SET_NODE + (__u32)record) << WEIR_SET_KIND_BITS | WEIR_SET_RECORD;
}

/*
 * What of a family decides: a prefix within one that stays for good adds
 * nothing. One within others that expire names the nearest of them.
 */
static void add_prefixes(struct set_memory *m, size_t first, size_t end, int family,
			 struct set_item *items)
{
	struct weir_set_record *records =
		SET_AT(m, SET_AT(m, 0, struct weir_set)->records_offset, struct weir_set_record);
	size_t around[SET_KEY_BITS + 1], depth = 0, count = 0;

	for (size_t i = first; i < end; i++) {
		struct weir_set_record *r = &records[i];

		while (depth && !set_key_within(r->hi, r->lo, &records[around[depth - 1]]))
			depth--;
		if (depth && !records[around[depth - 1]].expires)
			continue;
		if (depth)
			r->next = word_of(m, around[depth - 1]) >> WEIR_SET_KIND_BITS;
		around[depth++] = i;
		items[count++] = (struct set_item){
			.hi = r->hi, .lo = r->lo, .bits = r->detail, .word = word_of(m, i)
		};
	}
	if (family == 0)
		count = set_cover_add(m, items, count);
	set_tree_add_prefixes(m, family, items, count);
}

static int by_key(const void *a, const void *b)
{
	const struct set_item *x = a, *y = b;

	return x->hi < y->hi ? -1 : x->hi > y->hi;
}

/* Those of the same hash form a list; the tables lead to its first. */
static size_t hash_items(const struct set_memory *m, const struct set_elements *s,
			 struct set_item *items)
{
	const struct weir_set *head = SET_AT(m, 0, struct weir_set);
	struct weir_set_record *records = SET_AT(m, head->records_offset, struct weir_set_record);
	size_t kept = 0;

	for (size_t i = 0; i < s->count; i++)
		items[i] = (struct set_item){ .hi = weir_set_hash(s->list[i].hi, s->list[i].lo,
								  s->list[i].detail, head->factor),
					      .lo = i,
					      .bits = HASH_BITS };
	qsort(items, s->count, sizeof(*items), by_key);
	for (size_t i = 0; i < s->count; i++) {
		size_t record = (size_t)items[i].lo;
		__u32 word = word_of(m, record);

		if (kept && items[kept - 1].hi == items[i].hi) {
			records[record].next = items[kept - 1].word >> WEIR_SET_KIND_BITS;
			items[kept - 1].word = word;
			continue;
		}
		items[kept] = items[i];
		items[kept].lo = 0;
		items[kept++].word = word;
	}
	return kept;
}

static void add_hashed(struct set_memory *m, const struct set_elements *s, struct set_item *items)
{
	for (int i = 0; i < 3; i++)
		SET_AT(m, 0, struct weir_set)->factor[i] = random_number() | 1;
	set_tree_add(m, 0, items, hash_items(m, s, items));
}

static void add_devices(struct set_memory *m, const struct set_spec *spec)
{
	__u32 at = set_memory_add(m, WEIR_MAX_IFACES * sizeof(__u32), WEIR_SETS_UNIT);

	if (m->error)
		return;
	SET_AT(m, 0, struct weir_set)->table[0].offset = at;
	for (size_t i = 0; i < spec->devices_count; i++) {
		struct set_element key = {};
		const struct set_element *found;

		set_interface_key(spec->devices[i].name, &key);
		found = set_elements_find(spec->elements, &key);
		if (found)
			SET_AT(m, at, __u32)
		[spec->devices[i].slot] = word_of(m, found - spec->elements->list);
	}
}

static void add_tables(struct set_memory *m, const struct set_spec *spec)
{
	const struct set_elements *s = spec->elements;
	OWN_FREE struct set_item *items = NULL;
	size_t v4;

	if (m->error)
		return;
	if (spec->type == SET_INTERFACE) {
		add_devices(m, spec);
		return;
	}
	items = calloc(s->count + 1, sizeof(*items));
	if (!items) {
		m->error = -ENOMEM;
		return;
	}
	if (spec->type == SET_PREFIX) {
		v4 = SET_AT(m, 0, struct weir_set)->records_v4;
		add_prefixes(m, 0, v4, 0, items);
		if (!m->error)
			add_prefixes(m, v4, s->count, 1, items);
	} else {
		add_hashed(m, s, items);
	}
}

int set_build(const struct set_spec *spec, struct weir_set **set)
{
	struct set_memory m = {};
	struct weir_set *head;

	set_memory_add(&m, sizeof(struct weir_set), WEIR_SETS_UNIT);
	if (!m.error)
		add_records(&m, spec);
	add_tables(&m, spec);
	if (m.error) {
		free(m.bytes);
		return m.error;
	}
	head = SET_AT(&m, 0, struct weir_set);
	head->type = (__u32)spec->type;
	head->bytes = (__u32)m.used;
	snprintf(head->name, sizeof(head->name), "%s", spec->name);
	head->timeout_s = spec->timeout_s;
	memcpy(head->configured, spec->configured, sizeof(head->configured));
	head->changed_s = (__u64)time(NULL);
	*set = head;
	return 0;
}

/* A set that fits its memory and says so. */
static bool is_whole(const struct weir_set *set)
{
	return set->records_v4 <= set->records_count &&
	       set->records_count <= WEIR_MAX_SET_ELEMENTS && set->records_offset <= set->bytes &&
	       set->records_count * sizeof(struct weir_set_record) <=
		       set->bytes - set->records_offset;
}

static int read_note(const struct weir_set *set, const struct weir_set_record *r,
		     struct set_element *e)
{
	const struct weir_set_note *note;

	if (!r->note || r->note > set->bytes - sizeof(*note))
		return 0;
	note = (const struct weir_set_note *)((const char *)set + r->note);
	e->is_live = note->flags & WEIR_SET_LIVE;
	if (!note->text[0])
		return 0;
	e->comment = strndup(note->text, set->bytes - r->note - sizeof(*note));
	return e->comment ? 0 : -ENOMEM;
}

int set_read(const struct weir_set *set, struct set_elements *out)
{
	const struct weir_set_record *records =
		(const struct weir_set_record *)((const char *)set + set->records_offset);
	struct set_elements read = {};
	int error = 0;

	if (!is_whole(set))
		return -EINVAL;
	read.room = set->records_count + 1;
	read.list = calloc(read.room, sizeof(*read.list));
	if (!read.list)
		return -ENOMEM;
	for (__u32 i = 0; i < set->records_count && !error; i++) {
		const struct weir_set_record *r = &records[i];

		read.list[i] = (struct set_element){ .hi = r->hi,
						     .lo = r->lo,
						     .detail = r->detail,
						     .expires = r->expires,
						     .is_v6 = i >= set->records_v4 };
		read.count = i + 1;
		error = read_note(set, r, &read.list[i]);
	}
	if (error)
		set_elements_free(&read);
	else
		*out = read;
	return error;
}
