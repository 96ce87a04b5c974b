// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * latency heatmap: time against latency, in a terminal or as a picture.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "latency.h"
#include "latency_commands.h"
#include "own.h"

#define PNG_SCALE 2.0
/* What a file or a pipe gets. */
#define WIDTH_ELSEWHERE 100
#define HEIGHT_ELSEWHERE 30

static int read_one(struct command *c, const struct applied *a, const struct measured *m,
		    enum weir_direction direction, __u32 since, struct heat *out)
{
	snprintf(out->title, sizeof(out->title), "%s %s: round-trip times", m->name,
		 direction_names[direction]);
	return heat_read(a, m->slot, direction, since, out, &c->why);
}

static void terminal_size(unsigned int *width, unsigned int *height)
{
	struct winsize size;

	*width = WIDTH_ELSEWHERE;
	*height = HEIGHT_ELSEWHERE;
	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
		return;
	*width = size.ws_col ? size.ws_col : *width;
	*height = size.ws_row > 1 ? size.ws_row - 1U : *height;
}

static json_t *heat_json(const struct heat *h, const struct measured *m, enum weir_direction d)
{
	json_t *columns = json_array(), *floors = json_array();

	for (unsigned int r = 0; r <= h->rows; r++)
		json_array_append_new(floors, json_integer((json_int_t)h->floor_ns[r]));
	for (unsigned int c = 0; c < h->columns; c++) {
		json_t *counts = json_array();

		for (unsigned int r = 0; r < h->rows; r++)
			json_array_append_new(counts,
					      json_integer((json_int_t)h->count[c * h->rows + r]));
		json_array_append_new(columns, counts);
	}
	return json_pack("{s:s,s:s,s:I,s:I,s:o,s:o}", "interface", m->name, "direction",
			 direction_names[d], "begin_s", (json_int_t)h->begin_s, "column_s",
			 (json_int_t)h->column_s, "floor_ns", floors, "columns", columns);
}

static int print_maps(struct command *c, const struct applied *a, const struct measured *m,
		      __u32 since)
{
	json_t *list = c->json ? json_array() : NULL;
	unsigned int width, height;
	size_t shown = 0;

	terminal_size(&width, &height);
	for (int d = 0; d < WEIR_DIR_COUNT; d++) {
		OWN(heat_free) struct heat h = {};

		if (read_one(c, a, m, d, since, &h))
			break;
		if (list)
			json_array_append_new(list, heat_json(&h, m, d));
		else if (heat_samples(&h)) {
			if (shown++)
				putchar('\n');
			heat_print(&h, heat_style_for(stdout), width, height, stdout);
		}
	}
	if (c->why.code) {
		json_decref(list);
		return command_failed(c);
	}
	if (list)
		return json_print(json_pack("{s:o}", "heatmaps", list));
	if (!shown)
		printf("%s: no samples yet\n", m->name);
	return EXIT_DONE;
}

static int draw_svg(struct heat *h, FILE *out)
{
	struct svg svg;

	svg_begin(&svg, HEAT_WIDTH, HEAT_HEIGHT, h->title, out);
	heat_draw(h, &svg.canvas);
	svg_end(&svg);
	return ferror(out) ? -EIO : 0;
}

static int draw_png(struct heat *h, FILE *out)
{
	OWN(raster_free) struct raster raster = {};
	int error = raster_begin(&raster, HEAT_WIDTH, HEAT_HEIGHT, PNG_SCALE);

	if (error)
		return error;
	heat_draw(h, &raster.canvas);
	return raster_write(&raster, out);
}

typedef int (*draw_fn)(struct heat *h, FILE *out);

/* By the file's ending. */
static draw_fn drawer_for(const char *path)
{
	const char *dot = strrchr(path, '.');

	if (dot && !strcasecmp(dot, ".svg"))
		return draw_svg;
	return dot && !strcasecmp(dot, ".png") ? draw_png : NULL;
}

/* Beside the file and then in its place: a failure leaves what was there. */
static int write_picture(struct command *c, struct heat *h, const char *path, draw_fn draw)
{
	char beside[PATH_MAX];
	OWN_FILE FILE *out = NULL;
	int fd, error;

	if (snprintf(beside, sizeof(beside), "%s.XXXXXX", path) >= (int)sizeof(beside))
		return fail_errno(&c->why, ENAMETOOLONG, "%s", path);
	fd = mkostemp(beside, O_CLOEXEC);
	if (fd < 0)
		return fail_errno(&c->why, errno, "%s", path);
	out = fdopen(fd, "w");
	error = out ? draw(h, out) : -errno;
	if (!error && (fflush(out) || fchmod(fd, 0644) || rename(beside, path)))
		error = -errno;
	if (!error)
		return 0;
	unlink(beside);
	return fail_errno(&c->why, error, "%s", path);
}

/* A picture goes elsewhere, where nobody knows what it is of. */
static void name_host(struct heat *h)
{
	char host[65] = "", title[sizeof(h->title)];

	if (gethostname(host, sizeof(host) - 1) || !host[0])
		return;
	memcpy(title, h->title, sizeof(title));
	snprintf(h->title, sizeof(h->title), "%s, %.*s", host,
		 (int)(sizeof(h->title) - sizeof(host) - 2), title);
}

/* To the peers and back; only where nothing went there, the host's half. */
static int draw_map(struct command *c, const struct applied *a, const struct measured *m,
		    __u32 since)
{
	OWN(heat_free) struct heat wire = {}, host = {};
	const char *path = c->latency.output;
	draw_fn draw = drawer_for(path);
	struct heat *h;

	if (!draw)
		return fail(&c->why, EXIT_USAGE, "%s: a picture is written to FILE.svg or FILE.png",
			    path);
	if (read_one(c, a, m, WEIR_DIR_WIRE, since, &wire) ||
	    read_one(c, a, m, WEIR_DIR_HOST, since, &host))
		return -1;
	h = heat_samples(&wire) ? &wire : &host;
	if (!heat_samples(h))
		return fail(&c->why, EXIT_PRECONDITION, "%s: no samples yet, nothing to draw",
			    m->name);
	name_host(h);
	if (write_picture(c, h, path, draw))
		return -1;
	if (!c->json)
		printf("%s: %s\n", path, h->title);
	return 0;
}

int latency_heatmap(struct command *c, const struct applied *a)
{
	const char *only = c->args_count > 1 ? c->args[1] : NULL;
	struct measured m;
	__u32 since;

	if (latency_since_s(c, &since) || latency_find_measured(c, a, only, &m))
		return command_failed(c);
	if (!c->latency.output)
		return print_maps(c, a, &m, since);
	if (draw_map(c, a, &m, since))
		return command_failed(c);
	return c->json ? json_print(json_pack("{s:s}", "picture", c->latency.output)) : EXIT_DONE;
}
