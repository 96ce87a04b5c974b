// SPDX-License-Identifier: GPL-2.0-or-later
#include "canvas.h"

#include <errno.h>
#include <math.h>
#include <png.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Pixels of one stroke of a letter after rounding. */
#define STROKE_POINTS 128
#define ROUNDINGS 3
/* Of the grid that letters are on. */
#define FONT_LINE 11.0
#define FONT_BASE 2.0

static double limit(double value, double least, double most)
{
	return value < least ? least : value > most ? most : value;
}

static void blend(struct raster *p, unsigned int x, unsigned int y, __u32 rgb, double share)
{
	__u8 *at = p->pixels + 3 * ((size_t)y * p->width + x);

	for (int i = 0; i < 3; i++) {
		double now = at[i], wanted = rgb >> (16 - 8 * i) & 255;

		at[i] = (__u8)lround(now + (wanted - now) * share);
	}
}

static unsigned int pixel(double at, double scale, unsigned int most)
{
	return (unsigned int)lround(limit(at * scale, 0, most));
}

/* Whole pixels, so that nothing shows between two that touch. */
static void raster_rect(struct canvas *c, struct point at, double width, double height, __u32 rgb)
{
	struct raster *p = (struct raster *)c;
	unsigned int right = pixel(at.x + width, p->scale, p->width);
	unsigned int bottom = pixel(at.y + height, p->scale, p->height);

	for (unsigned int y = pixel(at.y, p->scale, p->height); y < bottom; y++) {
		for (unsigned int x = pixel(at.x, p->scale, p->width); x < right; x++)
			blend(p, x, y, rgb, 1);
	}
}

static double distance(struct point from, struct point to, double x, double y)
{
	double dx = to.x - from.x, dy = to.y - from.y, length = dx * dx + dy * dy;
	double part = length > 0 ? ((x - from.x) * dx + (y - from.y) * dy) / length : 0;

	part = limit(part, 0, 1);
	return hypot(x - from.x - part * dx, y - from.y - part * dy);
}

/* From point to point in pixels, @radius to both sides, with soft borders. */
static void draw_segment(struct raster *p, struct point from, struct point to, double radius,
			 __u32 rgb)
{
	double reach = radius + 1;
	double top = limit(fmin(from.y, to.y) - reach, 0, p->height);
	double bottom = limit(fmax(from.y, to.y) + reach, 0, p->height);
	double left = limit(fmin(from.x, to.x) - reach, 0, p->width);
	double right = limit(fmax(from.x, to.x) + reach, 0, p->width);

	for (unsigned int y = (unsigned int)top; y < bottom; y++) {
		for (unsigned int x = (unsigned int)left; x < right; x++) {
			double off = distance(from, to, x + 0.5, y + 0.5);

			blend(p, x, y, rgb, limit(radius + 0.5 - off, 0, 1));
		}
	}
}

static void draw_strokes(struct raster *p, const struct point *points, size_t count, double radius,
			 __u32 rgb)
{
	for (size_t i = 0; i + 1 < count; i++)
		draw_segment(p, points[i], points[i + 1], radius, rgb);
}

static void raster_line(struct canvas *c, const struct point *points, size_t count, double width,
			__u32 rgb)
{
	struct raster *p = (struct raster *)c;

	for (size_t i = 0; i + 1 < count; i++) {
		struct point from = { points[i].x * p->scale, points[i].y * p->scale };
		struct point to = { points[i + 1].x * p->scale, points[i + 1].y * p->scale };

		draw_segment(p, from, to, width * p->scale / 2, rgb);
	}
}

/*
 * Cut the corners of a line, once; its ends stay, unless it is closed. After a
 * few times it is a smooth curve. Chaikin, 1974.
 */
static size_t cut_corners(const struct point *in, size_t count, struct point *out)
{
	bool closed = in[0].x == in[count - 1].x && in[0].y == in[count - 1].y;
	size_t made = 0;

	if (!closed)
		out[made++] = in[0];
	for (size_t i = 0; i + 1 < count; i++) {
		struct point a = in[i], b = in[i + 1];

		if (closed || i)
			out[made++] =
				(struct point){ 0.75 * a.x + 0.25 * b.x, 0.75 * a.y + 0.25 * b.y };
		if (closed || i + 2 < count)
			out[made++] =
				(struct point){ 0.25 * a.x + 0.75 * b.x, 0.25 * a.y + 0.75 * b.y };
	}
	out[made++] = closed ? out[0] : in[count - 1];
	return made;
}

static size_t round_stroke(struct point *points, size_t count)
{
	struct point next[STROKE_POINTS];

	for (int i = 0; i < ROUNDINGS && count > 2 && 2 * count < STROKE_POINTS; i++) {
		count = cut_corners(points, count, next);
		memcpy(points, next, count * sizeof(*points));
	}
	return count;
}

/* @unit: pixels of one of the font's; @at: its baseline in pixels. */
static void draw_letter(struct raster *p, const char *strokes, struct point at, double unit,
			__u32 rgb)
{
	while (*strokes) {
		struct point points[STROKE_POINTS];
		size_t count = 0;

		for (; *strokes && *strokes != ' ' && count < STROKE_POINTS; strokes += 2)
			points[count++] = (struct point){
				at.x + unit * (strokes[0] - '0'),
				at.y - unit * (strokes[1] - '0' - FONT_BASE),
			};
		strokes += *strokes == ' ';
		draw_strokes(p, points, round_stroke(points, count), unit * 0.42, rgb);
	}
}

static void raster_text(struct canvas *c, struct point at, enum anchor anchor, double size,
			__u32 rgb, const char *text)
{
	struct raster *p = (struct raster *)c;
	double unit = size * p->scale / FONT_LINE, width = font_width(text) * unit;
	struct point pen = { at.x * p->scale, at.y * p->scale };

	if (anchor == ANCHOR_MIDDLE)
		pen.x -= width / 2;
	else if (anchor == ANCHOR_END)
		pen.x -= width;
	for (; *text; text++) {
		const char *strokes = font_strokes(*text);

		draw_letter(p, strokes, pen, unit, rgb);
		pen.x += unit * font_advance(strokes);
	}
}

int raster_begin(struct raster *p, double width, double height, double scale)
{
	struct raster made = {
		.canvas = { raster_rect, raster_line, raster_text },
		.scale = scale,
		.width = (unsigned int)lround(width * scale),
		.height = (unsigned int)lround(height * scale),
	};

	made.pixels = malloc(3UL * made.width * made.height);
	if (!made.pixels)
		return -ENOMEM;
	memset(made.pixels, 255, 3UL * made.width * made.height);
	*p = made;
	return 0;
}

int raster_write(const struct raster *p, FILE *out)
{
	png_image image = { .version = PNG_IMAGE_VERSION,
			    .width = p->width,
			    .height = p->height,
			    .format = PNG_FORMAT_RGB };

	if (!png_image_write_to_stdio(&image, out, 0, p->pixels, 0, NULL))
		return -EIO;
	return 0;
}

void raster_free(struct raster *p)
{
	free(p->pixels);
	p->pixels = NULL;
}
