// SPDX-License-Identifier: GPL-2.0-or-later
/* The picture of time against latency. */
#include "heat.h"

#include <stdlib.h>

#include "heat_axis.h"
#include "own.h"

#define INK 0x202028
#define FAINT 0x6a6a76
#define FRAME 0x9a9aa4
#define GRID 0x2c2a44
#define P50 0x74e0ff
#define P99 0xffffff
#define OUTLINE 0x101018

#define LEFT 84.0
#define TOP 72.0
#define RIGHT 896.0
#define BOTTOM 500.0
#define SCALE_LEFT 916.0
#define SCALE_WIDTH 16.0
#define TEXT 15.0
/* Between marks, in units of the picture. */
#define MARK_HEIGHT 22.0
#define MARK_WIDTH 80.0

struct plot {
	const struct heat *heat;
	struct canvas *to;
	double cell_width, cell_height;
	__u64 most; /* samples of a cell */
};

static double x_of(const struct plot *p, double column)
{
	return LEFT + column * p->cell_width;
}

static double y_of(const struct plot *p, double row)
{
	return BOTTOM - row * p->cell_height;
}

static void text(const struct plot *p, double x, double y, enum anchor anchor, __u32 rgb,
		 const char *words)
{
	p->to->text(p->to, (struct point){ x, y }, anchor, TEXT, rgb, words);
}

static void stroke(const struct plot *p, double x0, double y0, double x1, double y1, __u32 rgb)
{
	const struct point ends[] = { { x0, y0 }, { x1, y1 } };

	p->to->line(p->to, ends, 2, 1, rgb);
}

static void draw_latencies(const struct plot *p)
{
	const struct heat *h = p->heat;
	double last = BOTTOM + MARK_HEIGHT;
	char words[24];
	__u64 ns;

	text(p, LEFT, TOP - 12, ANCHOR_END, FAINT, "latency");
	for (unsigned int i = 0; (ns = heat_mark_ns(i)); i++) {
		double y = y_of(p, heat_height(h, ns));

		if (ns < h->floor_ns[0] || ns > h->floor_ns[h->rows] || last - y < MARK_HEIGHT)
			continue;
		last = y;
		stroke(p, LEFT, y, RIGHT, y, GRID);
		stroke(p, LEFT - 5, y, LEFT, y, FRAME);
		text(p, LEFT - 9, y + 5, ANCHOR_END, INK, heat_mark_text(ns, words, sizeof(words)));
	}
}

static void draw_times(const struct plot *p)
{
	const struct heat *h = p->heat;
	__u32 step = heat_step_s(h, MARK_WIDTH / p->cell_width);
	__u64 end = h->begin_s + (__u64)((RIGHT - LEFT) / p->cell_width * h->column_s);
	char words[24];

	for (__u64 s = heat_mark_s(h->begin_s, step); s <= end; s += step) {
		double x = x_of(p, (double)(s - h->begin_s) / h->column_s);

		stroke(p, x, TOP, x, BOTTOM, GRID);
		stroke(p, x, BOTTOM, x, BOTTOM + 5, FRAME);
		text(p, x, BOTTOM + 21, ANCHOR_MIDDLE, INK,
		     heat_clock_text(s, words, sizeof(words)));
	}
	text(p, RIGHT, BOTTOM + 42, ANCHOR_END, FAINT, "local time");
}

/* Cells one above the other that look the same are drawn as one. */
static void draw_column(const struct plot *p, unsigned int column)
{
	const __u64 *count = &p->heat->count[column * p->heat->rows];
	unsigned int r = 0;

	while (r < p->heat->rows) {
		unsigned int end = r + 1;

		while (end < p->heat->rows && count[end] == count[r])
			end++;
		if (count[r])
			p->to->rect(p->to, (struct point){ x_of(p, column), y_of(p, end) },
				    p->cell_width, p->cell_height * (end - r),
				    heat_colour(heat_share(count[r], p->most)));
		r = end;
	}
}

/* A line through columns that have samples; where there are none it has a gap. */
static void draw_quantile(const struct plot *p, unsigned int permille, __u32 rgb)
{
	const struct heat *h = p->heat;
	OWN_FREE struct point *points = calloc(h->columns + 1, sizeof(*points));
	size_t count = 0;

	for (unsigned int c = 0; points && c <= h->columns; c++) {
		if (c < h->columns && heat_column_samples(h, c)) {
			__u64 ns = heat_quantile_ns(h, c, permille);

			points[count++] =
				(struct point){ x_of(p, c + 0.5), y_of(p, heat_height(h, ns)) };
			continue;
		}
		if (count == 1) { /* a column alone would be no line */
			points[1] = points[0];
			points[0].x -= p->cell_width / 2;
			points[1].x += p->cell_width / 2;
			count = 2;
		}
		if (count) {
			p->to->line(p->to, points, count, 3.6, OUTLINE);
			p->to->line(p->to, points, count, 1.6, rgb);
		}
		count = 0;
	}
}

/* What a line means, ending at @right. */
static void draw_key(const struct plot *p, double right, __u32 rgb, const char *words)
{
	const struct point ends[] = { { right - 58, TOP - 17 }, { right - 36, TOP - 17 } };

	p->to->line(p->to, ends, 2, 5, OUTLINE);
	p->to->line(p->to, ends, 2, 2.4, rgb);
	text(p, right - 30, TOP - 12, ANCHOR_START, INK, words);
}

#define SCALE_STEPS 64

static void draw_scale(const struct plot *p)
{
	double step = (BOTTOM - TOP) / SCALE_STEPS;
	char words[32];

	text(p, SCALE_LEFT, TOP - 12, ANCHOR_START, FAINT, "samples");
	for (int i = 0; i < SCALE_STEPS; i++)
		p->to->rect(p->to, (struct point){ SCALE_LEFT, BOTTOM - (i + 1) * step },
			    SCALE_WIDTH, step + 0.5, heat_colour((i + 1.0) / SCALE_STEPS));
	for (__u64 n = 1; n <= p->most; n *= 10) {
		double y = BOTTOM - heat_share(n, p->most) * (BOTTOM - TOP);

		if (y - TOP < MARK_HEIGHT / 2)
			break;
		snprintf(words, sizeof(words), "%llu", n);
		text(p, SCALE_LEFT + SCALE_WIDTH + 6, y + 5, ANCHOR_START, INK, words);
	}
	snprintf(words, sizeof(words), "%llu", p->most);
	text(p, SCALE_LEFT + SCALE_WIDTH + 6, TOP + 5, ANCHOR_START, INK, words);
}

static void draw_frame(const struct plot *p)
{
	stroke(p, LEFT, TOP, LEFT, BOTTOM, FRAME);
	stroke(p, LEFT, BOTTOM, RIGHT, BOTTOM, FRAME);
}

void heat_draw(struct heat *h, struct canvas *to)
{
	struct plot p = { .heat = h, .to = to, .most = 1 };
	char words[160];

	heat_crop(h);
	for (unsigned int i = 0; i < h->columns * h->rows; i++)
		p.most = h->count[i] > p.most ? h->count[i] : p.most;
	p.cell_width = (RIGHT - LEFT) / (h->columns ? h->columns : 1);
	p.cell_height = (BOTTOM - TOP) / h->rows;
	to->text(to, (struct point){ LEFT, 30 }, ANCHOR_START, 21, INK, h->title);
	text(&p, LEFT, BOTTOM + 42, ANCHOR_START, FAINT, heat_summary(h, words, sizeof(words)));
	to->rect(to, (struct point){ LEFT, TOP }, RIGHT - LEFT, BOTTOM - TOP, heat_colour(0));
	draw_latencies(&p);
	draw_times(&p);
	for (unsigned int c = 0; c < h->columns; c++)
		draw_column(&p, c);
	draw_quantile(&p, 500, P50);
	draw_quantile(&p, 990, P99);
	draw_key(&p, RIGHT - 76, P50, "p50");
	draw_key(&p, RIGHT, P99, "p99");
	draw_frame(&p);
	draw_scale(&p);
}
