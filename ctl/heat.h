/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time against latency: how many samples of which latency there were in each
 * stretch of time, and pictures of it.
 */
#ifndef WEIR_HEAT_H
#define WEIR_HEAT_H

#include <linux/types.h>
#include <stdbool.h>
#include <stdio.h>

#include "canvas.h"

#define HEAT_ROWS_MAX 128

/* Columns are stretches of time, oldest first; rows are latencies, smallest first. */
struct heat {
	char title[160]; /* "eth0 wire: round-trip times" */
	__u64 begin_s; /* CLOCK_REALTIME of the first column */
	__u32 column_s;
	unsigned int columns;
	unsigned int rows;
	__u64 floor_ns[HEAT_ROWS_MAX + 1]; /* of each row, and the end of the last one */
	__u64 *count; /* [column * rows + row]; owned, heat_free() */
};

void heat_free(struct heat *h);

/* Room for @columns of @rows; all other members are as they were. Returns 0 or -ENOMEM. */
int heat_room(struct heat *h, unsigned int columns, unsigned int rows);

/* Samples of all columns, and of one. */
__u64 heat_samples(const struct heat *h);
__u64 heat_column_samples(const struct heat *h, unsigned int column);

/*
 * The latency that @permille thousandths of a column's samples do not exceed,
 * in ns, found within its row as if samples lay evenly there. 0 without samples.
 */
__u64 heat_quantile_ns(const struct heat *h, unsigned int column, unsigned int permille);

/*
 * Leave out what lies around the samples: rows, but one on each side, and
 * columns before them, but for the last 24.
 */
void heat_crop(struct heat *h);

/* Join columns so that there are no more than @columns, and rows the same. */
void heat_shrink(struct heat *h, unsigned int columns, unsigned int rows);

/* How a terminal is written to. */
enum heat_style {
	HEAT_ASCII, /* " .:-=+*#%@": for files, pipes, and LANG=C */
	HEAT_COLOUR, /* 256 colours, half blocks in UTF-8 */
};

/*
 * For a terminal of @width columns and @height lines; @h is cropped and shrunk.
 * Times of day are local.
 */
void heat_print(struct heat *h, enum heat_style style, unsigned int width, unsigned int height,
		FILE *out);

/* The style for @out by what it is and by the environment: LC_ALL, LANG, NO_COLOR, TERM. */
enum heat_style heat_style_for(FILE *out);

/* The size of the picture that heat_draw() makes. */
#define HEAT_WIDTH 1000.0
#define HEAT_HEIGHT 560.0

/* A picture with axes, a scale of colours and lines of p50 and p99; @h is cropped. */
void heat_draw(struct heat *h, struct canvas *to);

/* Colour of a share of the most samples that a cell has, 0.0 to 1.0, as 0xRRGGBB. */
__u32 heat_colour(double share);

/* The share of @count in @most that is shown, by the logarithm: 0.0 for none, else above 0. */
double heat_share(__u64 count, __u64 most);

#endif
