// SPDX-License-Identifier: GPL-2.0-or-later
/* Time against latency in a terminal. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "heat.h"
#include "heat_axis.h"

#define LABEL_COLUMNS 8
#define WIDTH_LEAST 24
#define HEIGHT_LEAST 8
/* Lines that are no cells: title, summary, axis, times, scale. */
#define OTHER_LINES 6
/* Between marks of time. */
#define MARK_COLUMNS 9

/* By rising share; the first is for none. */
static const char ramp[] = " .:-=+*#%@";

static bool is_utf8(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
	}
	return false;
}

enum heat_style heat_style_for(FILE *out)
{
	const char *term = getenv("TERM"), *no_colour = getenv("NO_COLOR");

	if (!isatty(fileno(out)) || !is_utf8() || !term || !strcmp(term, "dumb") ||
	    (no_colour && *no_colour))
		return HEAT_ASCII;
	return HEAT_COLOUR;
}

/* The nearest of the 6 x 6 x 6 colours of a terminal. */
static unsigned int terminal_colour(double share)
{
	__u32 rgb = heat_colour(share);
	unsigned int index = 0;

	for (int shift = 16; shift >= 0; shift -= 8) {
		unsigned int level = rgb >> shift & 255;

		index = index * 6 + (level < 48 ? 0 : level < 115 ? 1 : (level - 35) / 40);
	}
	return 16 + index;
}

static double share_at(const struct heat *h, unsigned int column, unsigned int row, __u64 most)
{
	return row < h->rows ? heat_share(h->count[column * h->rows + row], most) : 0;
}

/* Two rows to a line: the upper half of the letter is the foreground. */
static void print_cell(const struct heat *h, unsigned int column, unsigned int row, __u64 most,
		       FILE *out)
{
	double low = share_at(h, column, row, most), high = share_at(h, column, row + 1, most);

	fprintf(out, "\033[38;5;%u;48;5;%um\xe2\x96\x80", terminal_colour(high),
		terminal_colour(low));
}

static void print_mark(const struct heat *h, unsigned int row, unsigned int rows, FILE *out)
{
	unsigned int end = row + rows < h->rows ? row + rows : h->rows;
	char text[24] = "";
	__u64 ns;

	for (unsigned int i = 0; (ns = heat_mark_ns(i)); i++) {
		if (ns >= h->floor_ns[row] && ns < h->floor_ns[end]) {
			heat_mark_text(ns, text, sizeof(text));
			break;
		}
	}
	fprintf(out, "%*s ", LABEL_COLUMNS - 1, text);
}

static void print_times(const struct heat *h, FILE *out)
{
	__u32 step = heat_step_s(h, MARK_COLUMNS);
	unsigned int at = 0;
	char text[24];

	fprintf(out, "%*s", LABEL_COLUMNS, "");
	for (__u64 s = heat_mark_s(h->begin_s, step);; s += step) {
		unsigned int column = (unsigned int)((s - h->begin_s) / h->column_s);

		if (column + strlen("00:00") > (h->columns > 5 ? h->columns : 5))
			break;
		at += fprintf(out, "%*s%s", (int)(column - at), "",
			      heat_clock_text(s, text, sizeof(text)));
	}
	fputc('\n', out);
}

static void print_scale(enum heat_style style, __u64 most, FILE *out)
{
	fprintf(out, "%*s1 ", LABEL_COLUMNS, "");
	if (style == HEAT_ASCII) {
		fputs(ramp + 1, out);
	} else {
		for (int i = 1; i <= 16; i++)
			fprintf(out, "\033[48;5;%um ", terminal_colour(i / 16.0));
		fputs("\033[0m", out);
	}
	fprintf(out, " %llu samples\n", most);
}

/* What is there is seen, however little it is. */
static char ramp_at(double share)
{
	int last = sizeof(ramp) - 2, step = (int)(share * last + 0.5);

	return ramp[share > 0 && step < 1 ? 1 : step];
}

static void print_line(const struct heat *h, enum heat_style style, unsigned int row, __u64 most,
		       FILE *out)
{
	print_mark(h, row, style == HEAT_COLOUR ? 2 : 1, out);
	for (unsigned int c = 0; c < h->columns; c++) {
		if (style == HEAT_COLOUR)
			print_cell(h, c, row, most, out);
		else
			fputc(ramp_at(share_at(h, c, row, most)), out);
	}
	fputs(style == HEAT_COLOUR ? "\033[0m\n" : "\n", out);
}

void heat_print(struct heat *h, enum heat_style style, unsigned int width, unsigned int height,
		FILE *out)
{
	unsigned int per_line = style == HEAT_COLOUR ? 2 : 1, row;
	char words[160];
	__u64 most = 1;

	width = width < WIDTH_LEAST ? WIDTH_LEAST : width;
	height = height < HEIGHT_LEAST ? HEIGHT_LEAST : height;
	heat_crop(h);
	fprintf(out, "%s\n%s\n", h->title, heat_summary(h, words, sizeof(words)));
	heat_shrink(h, width - LABEL_COLUMNS, (height - OTHER_LINES) * per_line);
	for (unsigned int i = 0; i < h->columns * h->rows; i++)
		most = h->count[i] > most ? h->count[i] : most;
	for (row = (h->rows + per_line - 1) / per_line * per_line; row; row -= per_line)
		print_line(h, style, row - per_line, most, out);
	print_times(h, out);
	print_scale(style, most, out);
}
