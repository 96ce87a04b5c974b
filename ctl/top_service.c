// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What each backend gets at this moment, of services.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "balance_show.h"
#include "counters.h"
#include "filter_counters.h"
#include "image.h"
#include "own.h"
#include "top.h"
#include "watch.h"

struct row {
	char service[NAME_BYTES], backend[NAME_BYTES];
	struct weir_counter sum; /* all there is */
	struct weir_counter fresh; /* what came since the last reading */
};

struct rows {
	struct row *list; /* owned */
	size_t count;
};

struct top {
	const char *only;
	struct top_span span;
	struct rows now;
};

/* Rows keep their order, so that the one that is looked for is seldom far from @at. */
static struct weir_counter before(const struct rows *rows, size_t at, const struct row *r)
{
	for (size_t i = 0; i < rows->count; i++) {
		const struct row *was = &rows->list[(at + i) % rows->count];

		if (!strcmp(was->backend, r->backend) && !strcmp(was->service, r->service))
			return was->sum;
	}
	return (struct weir_counter){};
}

/* @was is of before; a counter that fell was set to zero in between. */
static struct weir_counter since(struct weir_counter now, struct weir_counter was)
{
	if (now.packets < was.packets || now.bytes < was.bytes)
		return now;
	return (struct weir_counter){ .packets = now.packets - was.packets,
				      .bytes = now.bytes - was.bytes };
}

static int add_service(const struct applied *a, size_t index, const struct rows *old,
		       struct rows *now)
{
	const struct weir_image *image = a->state.image;
	const struct service *s = &a->model.services[index];
	const struct weir_service *counted =
		IMAGE_AT(image, image->services_offset, struct weir_service) + index;
	const struct weir_backend *ids =
		IMAGE_AT(image, counted->backends_offset, struct weir_backend);
	size_t count;
	const struct backend *backends = service_backends(&a->model, s, &count);
	struct row *grown = reallocarray(now->list, now->count + count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	now->list = grown;
	for (size_t b = 0; b < count; b++) {
		struct row *r = &now->list[now->count];

		snprintf(r->service, sizeof(r->service), "%s", s->name);
		snprintf(r->backend, sizeof(r->backend), "%s", backends[b].name);
		r->sum = counter_read(a->state.maps.fd[WEIR_MAP_BACKENDS], ids[b].id);
		r->fresh = since(r->sum, before(old, now->count, r));
		now->count++;
	}
	return 0;
}

static int read_services(void *arg, const struct applied *a, bool is_other, struct failure *why)
{
	struct top *t = arg;
	OWN_FREE struct row *old = t->now.list;
	const struct rows was = t->now;
	bool found = !t->only;

	(void)is_other;
	t->now = (struct rows){};
	top_read(&t->span);
	for (size_t i = 0; i < a->model.services_count; i++) {
		if (t->only && strcmp(t->only, a->model.services[i].name) != 0)
			continue;
		found = true;
		if (add_service(a, i, &was, &t->now))
			return fail_errno(why, ENOMEM, "cannot read the counters");
	}
	return found ? 0
		     : fail(why, EXIT_NOT_FOUND, "there is no service \"%s\" in force", t->only);
}

/* Of the packets of its service, in percent. */
static double share_of(const struct rows *rows, const struct row *r)
{
	__u64 sum = 0;

	for (size_t i = 0; i < rows->count; i++) {
		if (!strcmp(rows->list[i].service, r->service))
			sum += rows->list[i].fresh.packets;
	}
	return sum ? 100.0 * r->fresh.packets / sum : 0;
}

static double rate(const struct top *t, __u64 count)
{
	return t->span.seconds > 0 ? count / t->span.seconds : 0;
}

static void print_services(void *arg, FILE *out)
{
	const struct top *t = arg;
	char packets[16], all[16], bits[16], span[40];
	const char *service = "";

	fprintf(out, "Services, %s\n", top_span_text(&t->span, span, sizeof(span)));
	for (size_t i = 0; i < t->now.count; i++) {
		const struct row *r = &t->now.list[i];

		if (strcmp(service, r->service) != 0)
			fprintf(out, "service %s\n%10s %9s %9s %7s  BACKEND\n", r->service,
				"PACKETS", "PACKETS/S", "BITS/S", "SHARE");
		service = r->service;
		fprintf(out, "%10s %9s %9s %6.2f%%  %s\n",
			count_text(r->fresh.packets, all, sizeof(all)),
			rate_text(rate(t, r->fresh.packets), packets, sizeof(packets)),
			rate_text(rate(t, 8 * r->fresh.bytes), bits, sizeof(bits)),
			share_of(&t->now, r), r->backend);
	}
	if (!t->now.count)
		fputs("No service is in force.\n", out);
}

static json_t *services_json(void *arg)
{
	const struct top *t = arg;
	json_t *list = json_array();

	for (size_t i = 0; i < t->now.count; i++) {
		const struct row *r = &t->now.list[i];

		json_array_append_new(list, json_pack("{s:s,s:s,s:I,s:I,s:f,s:f}", "service",
						      r->service, "backend", r->backend, "packets",
						      (json_int_t)r->fresh.packets, "bytes",
						      (json_int_t)r->fresh.bytes, "packets_per_s",
						      rate(t, r->fresh.packets), "bits_per_s",
						      rate(t, 8 * r->fresh.bytes)));
	}
	return json_pack("{s:o}", "backends", list);
}

int top_service(struct command *c, const char *name)
{
	struct top t = { .only = name };
	const struct watched what = { read_services, print_services, services_json,
				      "name a service", &t };
	int code = watch_run(c, &what);

	free(t.now.list);
	return code;
}
