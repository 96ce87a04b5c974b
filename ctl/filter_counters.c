// SPDX-License-Identifier: GPL-2.0-or-later
#include "filter_counters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "counters.h"
#include "image.h"
#include "own.h"

#define NS_PER_S 1000000000ULL

static __u64 clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (__u64)now.tv_sec * NS_PER_S + (__u64)now.tv_nsec;
}

bool filter_next(struct filter_walk *w)
{
	const struct model *m = &w->applied->model;
	const struct weir_image *image = w->applied->state.image;

	while (w->next < m->filters_count) {
		w->counted = w->filter ? w->counted + w->filter->rules_count + 1
				       : IMAGE_AT(image, image->rules_offset, struct weir_rule);
		w->filter = &m->filters[w->next++];
		if (!w->only || !strcmp(w->only, w->filter->name))
			return true;
	}
	return false;
}

int snapshot_take(const struct applied *a, const char *only, struct snapshot *out)
{
	struct filter_walk walk = FILTER_WALK(a, only);
	OWN(counters_close) struct counters counters = {};
	struct weir_rule_counter *rules = calloc(a->state.capacity.rules + 1, sizeof(*rules));
	int error = rules ? counters_open(&counters, a->state.maps.fd[WEIR_MAP_RULES]) : -ENOMEM;

	if (error) {
		free(rules);
		return error;
	}
	while (filter_next(&walk)) {
		for (size_t i = 0; i <= walk.filter->rules_count; i++) {
			__u32 id = walk.counted[i].id;

			if (id < a->state.capacity.rules)
				rules[id] = rule_counter_sum(&counters, id);
		}
	}
	*out = (struct snapshot){ .rules = rules, .at_ns = clock_ns(CLOCK_MONOTONIC) };
	return 0;
}

void snapshot_free(struct snapshot *s)
{
	free(s->rules);
	*s = (struct snapshot){};
}

/* A counter that fell was reset in between; what it has now came since. */
static double grown(__u64 now, __u64 before)
{
	return now >= before ? now - before : now;
}

struct rule_row rule_row(const struct snapshot *now, const struct snapshot *before, __u32 id)
{
	const struct weir_rule_counter *n = &now->rules[id], *b = &before->rules[id];
	struct rule_row row = { .sum = *n, .ago_s = -1 };
	double seconds;

	/* The datapath's clock may be a tick behind, and a match later than the reading. */
	if (n->last_ns)
		row.ago_s =
			now->at_ns > n->last_ns ? (double)(now->at_ns - n->last_ns) / NS_PER_S : 0;
	if (!before->rules || now->at_ns <= before->at_ns)
		return row;
	seconds = (double)(now->at_ns - before->at_ns) / NS_PER_S;
	row.has_rates = true;
	row.packets_s = grown(n->packets, b->packets) / seconds;
	row.bits_s = 8 * grown(n->bytes, b->bytes) / seconds;
	return row;
}

const char *ago_text(double seconds, char *buf, size_t size)
{
	if (seconds < 0)
		snprintf(buf, size, "never");
	else if (seconds < 1)
		snprintf(buf, size, "now");
	else if (seconds < 120)
		snprintf(buf, size, "%llu s ago", (unsigned long long)seconds);
	else if (seconds < 120 * 60)
		snprintf(buf, size, "%llu min ago", (unsigned long long)seconds / 60);
	else if (seconds < 48 * 3600)
		snprintf(buf, size, "%llu h ago", (unsigned long long)seconds / 3600);
	else
		snprintf(buf, size, "%llu d ago", (unsigned long long)seconds / 86400);
	return buf;
}

const char *rate_text(double rate, char *buf, size_t size)
{
	if (rate > 0 && rate < 9.95)
		snprintf(buf, size, "%.1f", rate);
	else
		count_text((unsigned long long)(rate + 0.5), buf, size);
	return buf;
}

const char *time_text(double ago_s, char *buf, size_t size)
{
	__u64 ms = clock_ns(CLOCK_REALTIME) / 1000000;
	char day[32];
	time_t s;
	struct tm tm;

	buf[0] = '\0';
	if (ago_s < 0)
		return buf;
	ms -= (__u64)(ago_s * 1000);
	s = (time_t)(ms / 1000);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", gmtime_r(&s, &tm));
	snprintf(buf, size, "%s.%03uZ", day, (unsigned int)(ms % 1000));
	return buf;
}
