// SPDX-License-Identifier: GPL-2.0-or-later
#include "heat.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Fewer columns do not fill the width: one alone would look like an hour. */
#define COLUMNS_LEAST 24
/* Three octaves: there is a mark on the axis among fewer only by chance. */
#define ROWS_LEAST 12

void heat_free(struct heat *h)
{
	free(h->count);
	h->count = NULL;
	h->columns = h->rows = 0;
}

int heat_room(struct heat *h, unsigned int columns, unsigned int rows)
{
	__u64 *count = calloc((size_t)columns * rows + 1, sizeof(*count));

	if (!count)
		return -ENOMEM;
	free(h->count);
	h->count = count;
	h->columns = columns;
	h->rows = rows;
	return 0;
}

__u64 heat_column_samples(const struct heat *h, unsigned int column)
{
	__u64 sum = 0;

	for (unsigned int r = 0; r < h->rows; r++)
		sum += h->count[column * h->rows + r];
	return sum;
}

__u64 heat_samples(const struct heat *h)
{
	__u64 sum = 0;

	for (unsigned int c = 0; c < h->columns; c++)
		sum += heat_column_samples(h, c);
	return sum;
}

__u64 heat_quantile_ns(const struct heat *h, unsigned int column, unsigned int permille)
{
	__u64 samples = heat_column_samples(h, column), rank = (samples * permille + 999) / 1000;
	__u64 below = 0;

	for (unsigned int r = 0; r < h->rows; r++) {
		__u64 here = h->count[column * h->rows + r];

		if (here && below + here >= rank) {
			__u64 room = h->floor_ns[r + 1] - h->floor_ns[r];

			return h->floor_ns[r] + (__u64)((double)room * (rank - below) / here);
		}
		below += here;
	}
	return 0;
}

/* Move the cells that stay, of @rows from @row on and of columns from @column on, to the front. */
static void keep(struct heat *h, unsigned int column, unsigned int row, unsigned int rows)
{
	for (unsigned int c = column; c < h->columns; c++)
		memmove(&h->count[(c - column) * rows], &h->count[c * h->rows + row],
			rows * sizeof(*h->count));
	memmove(h->floor_ns, h->floor_ns + row, (rows + 1) * sizeof(*h->floor_ns));
	h->columns -= column;
	h->begin_s += (__u64)column * h->column_s;
	h->rows = rows;
}

static bool row_is_empty(const struct heat *h, unsigned int row)
{
	for (unsigned int c = 0; c < h->columns; c++) {
		if (h->count[c * h->rows + row])
			return false;
	}
	return true;
}

void heat_crop(struct heat *h)
{
	unsigned int first = 0, end = h->rows, column = 0;

	if (!heat_samples(h))
		return;
	while (row_is_empty(h, first))
		first++;
	while (row_is_empty(h, end - 1))
		end--;
	do {
		first -= first > 0;
		end += end < h->rows;
	} while (end - first < ROWS_LEAST && end - first < h->rows);
	while (column + COLUMNS_LEAST < h->columns && !heat_column_samples(h, column))
		column++;
	keep(h, column, first, end - first);
}

/* The whole number that makes @count at most @most when divided by it. */
static unsigned int divisor(unsigned int count, unsigned int most)
{
	return count > most ? (count + most - 1) / most : 1;
}

static __u64 sum_of(const struct heat *h, unsigned int column, unsigned int columns,
		    unsigned int row, unsigned int rows)
{
	__u64 sum = 0;

	for (unsigned int c = column; c < column + columns && c < h->columns; c++) {
		for (unsigned int r = row; r < row + rows && r < h->rows; r++)
			sum += h->count[c * h->rows + r];
	}
	return sum;
}

void heat_shrink(struct heat *h, unsigned int columns, unsigned int rows)
{
	unsigned int by_columns = divisor(h->columns, columns), by_rows = divisor(h->rows, rows);
	unsigned int new_columns = (h->columns + by_columns - 1) / by_columns;
	unsigned int new_rows = (h->rows + by_rows - 1) / by_rows;

	/* A sum is written where nothing is read any more: at or before its first cell. */
	for (unsigned int c = 0; c < new_columns; c++) {
		for (unsigned int r = 0; r < new_rows; r++)
			h->count[c * new_rows + r] =
				sum_of(h, c * by_columns, by_columns, r * by_rows, by_rows);
	}
	for (unsigned int r = 0; r < new_rows; r++)
		h->floor_ns[r] = h->floor_ns[r * by_rows];
	h->floor_ns[new_rows] = h->floor_ns[h->rows];
	h->columns = new_columns;
	h->column_s *= by_columns;
	h->rows = new_rows;
}

double heat_share(__u64 count, __u64 most)
{
	return count ? (1 + log((double)count)) / (1 + log((double)most)) : 0;
}

/* From black over purple and orange to light yellow, even steps to the eye. */
__u32 heat_colour(double share)
{
	static const __u8 steps[][3] = {
		{ 4, 3, 18 },	 { 40, 11, 84 },   { 101, 21, 110 }, { 159, 42, 99 },
		{ 212, 72, 66 }, { 245, 125, 21 }, { 250, 193, 39 }, { 252, 255, 164 },
	};
	const int last = sizeof(steps) / sizeof(*steps) - 1;
	double at = (share < 0 ? 0 : share > 1 ? 1 : share) * last;
	int step = at < last ? (int)at : last - 1;
	__u32 rgb = 0;

	for (int i = 0; i < 3; i++)
		rgb = rgb << 8 | (__u32)lround(steps[step][i] +
					       (steps[step + 1][i] - steps[step][i]) * (at - step));
	return rgb;
}
