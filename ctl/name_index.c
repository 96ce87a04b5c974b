// SPDX-License-Identifier: GPL-2.0-or-later
#include "name_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : x->index < y->index ? -1 : x->index > y->index;
}

int name_index_make(const void *objects, size_t count, size_t stride, struct name_index *out)
{
	struct named *list = count ? calloc(count, sizeof(*list)) : NULL;

	*out = (struct name_index){ 0 };
	if (!count)
		return 0;
	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		list[i] = (struct named){ (const char *)objects + i * stride, i };
	qsort(list, count, sizeof(*list), compare);
	*out = (struct name_index){ list, count };
	return 0;
}

const struct named *name_index_find(const struct name_index *index, const char *name)
{
	size_t low = 0, high = index->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(index->list[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < index->count && !strcmp(index->list[low].name, name) ? &index->list[low]
									  : NULL;
}

void name_index_free(struct name_index *index)
{
	free(index->list);
	*index = (struct name_index){ 0 };
}
