// SPDX-License-Identifier: GPL-2.0-or-later
#include "ids.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "own.h"

static int by_name(const void *a, const void *b)
{
	const struct named_id *const *x = a, *const *y = b;
	int order = strcmp((*x)->group, (*y)->group);

	return order ? order : strcmp((*x)->name, (*y)->name);
}

static const struct named_id **sorted(const struct named_id *list, size_t count)
{
	const struct named_id **index = calloc(count + 1, sizeof(*index));

	if (!index)
		return NULL;
	for (size_t i = 0; i < count; i++)
		index[i] = &list[i];
	qsort(index, count, sizeof(*index), by_name);
	return index;
}

long ids_assign(const struct named_id *from, size_t from_count, struct named_id *to,
		size_t to_count, __u8 *fresh)
{
	OWN_FREE const struct named_id **known = sorted(from, from_count);
	OWN_FREE __u8 *taken = NULL;
	__u32 highest = 0, next = 0;

	for (size_t i = 0; i < from_count; i++)
		highest = from[i].id >= highest ? from[i].id + 1 : highest;
	taken = calloc(highest + to_count + 1, 1);
	if (!known || !taken)
		return -ENOMEM;
	for (size_t i = 0; i < from_count; i++)
		taken[from[i].id] = 1;

	for (size_t i = 0; i < to_count; i++) {
		const struct named_id *key = &to[i];
		const struct named_id **found =
			bsearch(&key, known, from_count, sizeof(*known), by_name);

		fresh[i] = !found;
		if (found) {
			to[i].id = (*found)->id;
			continue;
		}
		while (taken[next])
			next++;
		taken[next] = 1;
		to[i].id = next;
		highest = next >= highest ? next + 1 : highest;
	}
	return highest;
}
