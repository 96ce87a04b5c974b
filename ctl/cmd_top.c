// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * top: tables that are drawn again each second, with what came in between.
 */
#include <string.h>
#include <time.h>

#include "filter_show.h"
#include "own.h"
#include "top.h"

#define NS_PER_S 1000000000.0

static const struct noun {
	const char *name;
	int (*run)(struct command *c, const char *name);
} nouns[] = {
	{ "latency", top_latency }, { "path", top_path },	{ "drops", top_drops },
	{ "service", top_service }, { "filter", watch_filter },
};

#define NOUNS (sizeof(nouns) / sizeof(*nouns))

void top_read(struct top_span *s)
{
	struct timespec now;
	__u64 ns;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ns = (__u64)now.tv_sec * 1000000000 + now.tv_nsec;
	s->seconds = s->read_ns ? (double)(ns - s->read_ns) / NS_PER_S : 0;
	s->read_ns = ns;
}

const char *top_span_text(const struct top_span *s, char *buf, size_t size)
{
	if (s->seconds > 0)
		snprintf(buf, size, "last %.1f s", s->seconds);
	else
		snprintf(buf, size, "since it is measured");
	return buf;
}

static const struct noun *find_noun(const char *name, struct failure *why)
{
	const char *names[NOUNS + 1] = {}, *near;

	for (size_t i = 0; i < NOUNS; i++) {
		if (!strcmp(nouns[i].name, name))
			return &nouns[i];
		names[i] = nouns[i].name;
	}
	near = diag_suggest(name, names);
	fail(why, EXIT_USAGE, "there is no \"top %s\"; %s%s%s", name,
	     near ? "did you mean \"" : "it shows latency, path, drops, service and filter",
	     near ? near : "", near ? "\"?" : "");
	return NULL;
}

int cmd_top(struct command *c)
{
	const struct noun *noun = find_noun(c->args_count ? c->args[0] : "latency", &c->why);

	if (!noun)
		return command_failed(c);
	if (c->watch_s == 0)
		c->watch_s = 1;
	return noun->run(c, c->args_count > 1 ? c->args[1] : NULL);
}
