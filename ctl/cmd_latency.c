// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * latency: round-trip times by interface and direction, and by backend.
 */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "counters.h"
#include "hist.h"
#include "image.h"
#include "own.h"

#define BAR_WIDTH 72

static const struct {
	const char *name;
	const char *text;
} directions[WEIR_DIR_COUNT] = {
#define X(sym, name, text) [WEIR_DIR_##sym] = { name, text },
	WEIR_DIRECTIONS(X)
#undef X
};

/* What is shown of a distribution; permille 0 is the minimum, 1000 the maximum. */
static const struct {
	const char *name;
	unsigned int permille;
} quantiles[] = {
	{ "p50", 500 },
	{ "p90", 900 },
	{ "p99", 990 },
	{ "p99.9", 999 },
};

#define QUANTILES (sizeof(quantiles) / sizeof(*quantiles))

/* One histogram and what it is of: an interface and a direction, or a service and a backend. */
struct row {
	const char *kind; /* "interface" or "service" */
	const char *name;
	const char *part; /* direction or backend */
	const char *text; /* explanation, or "" */
	struct hist hist;
};

static void print_row(const struct row *r)
{
	char text[32];

	printf("%s %s  %s%s%s\n", r->kind, r->name, r->part, *r->text ? ": " : "", r->text);
	if (!r->hist.count) {
		printf("  no samples yet\n");
		return;
	}
	printf("  count %llu  min %s", r->hist.count,
	       hist_time_text(r->hist.min_ns, text, sizeof(text)));
	for (size_t i = 0; i < QUANTILES; i++)
		printf("  %s %s", quantiles[i].name,
		       hist_time_text(hist_quantile_ns(&r->hist, quantiles[i].permille), text,
				      sizeof(text)));
	printf("  max %s\n", hist_time_text(r->hist.max_ns, text, sizeof(text)));
	hist_print_bars(&r->hist, BAR_WIDTH, stdout);
}

static json_t *buckets_json(const struct hist *h)
{
	json_t *buckets = json_array();

	for (__u32 i = 0; i < WEIR_HIST_BUCKETS; i++) {
		if (h->bucket[i])
			json_array_append_new(
				buckets,
				json_pack("{s:I,s:I,s:I}", "from_ns",
					  (json_int_t)(weir_hist_floor(i) << WEIR_TICK_SHIFT),
					  "below_ns",
					  (json_int_t)(weir_hist_floor(i + 1) << WEIR_TICK_SHIFT),
					  "count", (json_int_t)h->bucket[i]));
	}
	return buckets;
}

static json_t *row_json(const struct row *r)
{
	const char *part = strcmp(r->kind, "service") ? "direction" : "backend";
	json_t *entry =
		json_pack("{s:s,s:s,s:I,s:I,s:I,s:I}", r->kind, r->name, part, r->part, "count",
			  (json_int_t)r->hist.count, "sum_ns", (json_int_t)r->hist.sum_ns, "min_ns",
			  (json_int_t)r->hist.min_ns, "max_ns", (json_int_t)r->hist.max_ns);

	for (size_t i = 0; i < QUANTILES; i++) {
		char key[16];

		snprintf(key, sizeof(key), "%s_ns", quantiles[i].name);
		json_object_set_new(
			entry, key,
			json_integer(hist_quantile_ns(&r->hist, quantiles[i].permille)));
	}
	json_object_set_new(entry, "buckets", buckets_json(&r->hist));
	return entry;
}

static void show_row(const struct row *r, json_t *list)
{
	if (list)
		json_array_append_new(list, row_json(r));
	else
		print_row(r);
}

/* Of all kinds that are round trips. */
static void read_round_trips(int map, __u32 slot, enum weir_direction direction, struct hist *sum)
{
	for (__u32 kind = 0; kind < WEIR_RTT_COUNT; kind++) {
		struct hist h;

		if (!WEIR_RTT_IS_ROUND_TRIP(kind))
			continue;
		hist_read(map, weir_hist_of_device(slot, direction, kind), &h);
		hist_add(sum, &h);
	}
}

static size_t show_interfaces(const struct applied *a, const char *only, json_t *list)
{
	const struct weir_image *image = a->state.image;
	const struct weir_device *rows = IMAGE_AT(image, image->devices_offset, struct weir_device);
	size_t shown = 0;

	for (__u32 slot = 0; slot < image->devices_count; slot++) {
		char name[IFNAMSIZ];

		if (!(rows[slot].stages & 1 << WEIR_STAGE_MEASURE) ||
		    !if_indextoname(rows[slot].ifindex, name) || (only && strcmp(only, name) != 0))
			continue;
		for (__u32 d = 0; d < WEIR_DIR_COUNT; d++, shown++) {
			struct row r = { .kind = "interface",
					 .name = name,
					 .part = directions[d].name,
					 .text = directions[d].text };

			read_round_trips(a->state.maps.fd[WEIR_MAP_HISTS], slot, d, &r.hist);
			show_row(&r, list);
		}
	}
	return shown;
}

static size_t show_backends(const struct applied *a, const char *only, json_t *list)
{
	const struct weir_image *image = a->state.image;
	const struct weir_backend *counted =
		IMAGE_AT(image, image->backends_offset, struct weir_backend);
	__u32 base = weir_hist_backend_base(a->state.capacity.devices);
	size_t shown = 0;

	for (size_t g = 0; g < model_groups_count(&a->model); g++) {
		const struct backend_group group = model_group(&a->model, g);

		for (size_t b = 0; b < group.backends_count; b++, counted++) {
			struct row r = { .kind = group.is_pool ? "pool" : "service",
					 .name = group.name,
					 .part = group.backends[b].name,
					 .text = "" };

			if (only && strcmp(only, group.name) != 0)
				continue;
			hist_read(a->state.maps.fd[WEIR_MAP_HISTS],
				  weir_hist_of_backend(base, counted->id, WEIR_BACKEND_HIST_RTT),
				  &r.hist);
			show_row(&r, list);
			shown++;
		}
	}
	return shown;
}

int cmd_latency(struct command *c)
{
	OWN(applied_close) struct applied a = APPLIED_NONE;
	const char *only = c->args_count ? c->args[0] : NULL;
	json_t *list = NULL;
	size_t shown;

	if (applied_open(&a, c))
		return command_failed(c);
	if (a.state.capacity.hists == 1) {
		fail(&c->why, EXIT_PRECONDITION,
		     "nothing is measured; write \"measure\" in an interface block and apply");
		return command_failed(c);
	}
	list = c->json ? json_array() : NULL;
	shown = show_interfaces(&a, only, list) + show_backends(&a, only, list);
	if (only && !shown) {
		json_decref(list);
		fail(&c->why, EXIT_NOT_FOUND,
		     "no measured interface and no service is called \"%s\"", only);
		return command_failed(c);
	}
	return list ? json_print(json_pack("{s:o}", "latency", list)) : EXIT_DONE;
}
