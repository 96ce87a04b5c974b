/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a picture is drawn on: an SVG file, or the pixels of a PNG file. Places
 * are in units of the picture, from its top left corner.
 */
#ifndef WEIR_CANVAS_H
#define WEIR_CANVAS_H

#include <linux/types.h>
#include <stdio.h>

enum anchor { ANCHOR_START, ANCHOR_MIDDLE, ANCHOR_END };

struct point {
	double x, y;
};

/* Colours are 0xRRGGBB. */
struct canvas {
	void (*rect)(struct canvas *c, struct point at, double width, double height, __u32 rgb);
	void (*line)(struct canvas *c, const struct point *points, size_t count, double width,
		     __u32 rgb);
	/* @at: the start, middle or end of the baseline; @size: height of a line. */
	void (*text)(struct canvas *c, struct point at, enum anchor anchor, double size, __u32 rgb,
		     const char *text);
};

struct svg {
	struct canvas canvas;
	FILE *out;
};

/* @title is for those who cannot see the picture, and may hold any bytes. */
void svg_begin(struct svg *s, double width, double height, const char *title, FILE *out);
void svg_end(struct svg *s);

struct raster {
	struct canvas canvas;
	double scale; /* pixels of a unit */
	unsigned int width, height; /* pixels */
	__u8 *pixels; /* red, green, blue; owned, raster_free() */
};

/* All white. Returns 0 or -ENOMEM. */
int raster_begin(struct raster *p, double width, double height, double scale);
/* Returns 0, or -EIO when libpng or @out refuse. */
int raster_write(const struct raster *p, FILE *out);
void raster_free(struct raster *p);

/*
 * The strokes of a letter, on a grid where a line is 9 high and its baseline 2
 * from the bottom: "0602 0808" are two, the first from (0, 6) to (0, 2).
 */
const char *font_strokes(char letter);
/* How far it is to the next letter, and through all of @text, on the same grid. */
double font_advance(const char *strokes);
double font_width(const char *text);

#endif
