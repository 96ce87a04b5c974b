// SPDX-License-Identifier: GPL-2.0-or-later
#include "canvas.h"

/* Numbers with a point in every locale, and no longer than they need be. */
static const char *number_text(double value, char text[24])
{
	long hundredths = (long)(value * 100 + (value < 0 ? -0.5 : 0.5));
	long size = hundredths < 0 ? -hundredths : hundredths;
	const char *sign = hundredths < 0 ? "-" : "";

	if (size % 100 == 0)
		snprintf(text, 24, "%s%ld", sign, size / 100);
	else if (size % 10 == 0)
		snprintf(text, 24, "%s%ld.%ld", sign, size / 100, size % 100 / 10);
	else
		snprintf(text, 24, "%s%ld.%02ld", sign, size / 100, size % 100);
	return text;
}

static void attribute(struct svg *s, const char *name, double value)
{
	char text[24];

	fprintf(s->out, " %s=\"%s\"", name, number_text(value, text));
}

/* XML has no place for control characters, and a name of an interface may hold other bytes. */
static void escaped(const char *text, FILE *out)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '<')
			fputs("&lt;", out);
		else if (c == '&')
			fputs("&amp;", out);
		else
			fputc(c < ' ' || c >= 0x7f ? '?' : c, out);
	}
}

static void svg_rect(struct canvas *c, struct point at, double width, double height, __u32 rgb)
{
	struct svg *s = (struct svg *)c;

	fputs("<rect", s->out);
	attribute(s, "x", at.x);
	attribute(s, "y", at.y);
	attribute(s, "width", width);
	attribute(s, "height", height);
	fprintf(s->out, " fill=\"#%06x\" shape-rendering=\"crispEdges\"/>\n", rgb);
}

static void svg_line(struct canvas *c, const struct point *points, size_t count, double width,
		     __u32 rgb)
{
	struct svg *s = (struct svg *)c;
	char x[24], y[24];

	fputs("<polyline points=\"", s->out);
	for (size_t i = 0; i < count; i++)
		fprintf(s->out, "%s%s,%s", i ? " " : "", number_text(points[i].x, x),
			number_text(points[i].y, y));
	fprintf(s->out, "\" fill=\"none\" stroke=\"#%06x\"", rgb);
	attribute(s, "stroke-width", width);
	fputs(" stroke-linejoin=\"round\" stroke-linecap=\"round\"/>\n", s->out);
}

static void svg_text(struct canvas *c, struct point at, enum anchor anchor, double size, __u32 rgb,
		     const char *text)
{
	static const char *const anchors[] = { "start", "middle", "end" };
	struct svg *s = (struct svg *)c;

	fputs("<text", s->out);
	attribute(s, "x", at.x);
	attribute(s, "y", at.y);
	attribute(s, "font-size", size);
	fprintf(s->out, " text-anchor=\"%s\" fill=\"#%06x\">", anchors[anchor], rgb);
	escaped(text, s->out);
	fputs("</text>\n", s->out);
}

void svg_begin(struct svg *s, double width, double height, const char *title, FILE *out)
{
	char w[24], h[24];

	*s = (struct svg){ .canvas = { svg_rect, svg_line, svg_text }, .out = out };
	number_text(width, w);
	number_text(height, h);
	fprintf(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%s\" height=\"%s\" "
		"viewBox=\"0 0 %s %s\" font-family=\"system-ui, sans-serif\" "
		"role=\"img\">\n<title>",
		w, h, w, h);
	escaped(title, out);
	fputs("</title>\n", out);
	svg_rect(&s->canvas, (struct point){ 0, 0 }, width, height, 0xffffff);
}

void svg_end(struct svg *s)
{
	fputs("</svg>\n", s->out);
}
