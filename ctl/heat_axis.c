// SPDX-License-Identifier: GPL-2.0-or-later
#include "heat_axis.h"

#include <math.h>
#include <time.h>

#define MARKS 24 /* to 50 s */
#define DAY_S 86400

__u64 heat_mark_ns(unsigned int index)
{
	static const __u64 digits[] = { 1, 2, 5 };
	__u64 unit = 1000;

	if (index >= MARKS)
		return 0;
	for (unsigned int i = 0; i < index / 3; i++)
		unit *= 10;
	return digits[index % 3] * unit;
}

const char *heat_mark_text(__u64 ns, char *buf, size_t size)
{
	if (ns < 1000000)
		snprintf(buf, size, "%llu us", ns / 1000);
	else if (ns < 1000000000)
		snprintf(buf, size, "%llu ms", ns / 1000000);
	else
		snprintf(buf, size, "%llu s", ns / 1000000000);
	return buf;
}

double heat_height(const struct heat *h, __u64 ns)
{
	for (unsigned int r = 0; r < h->rows; r++) {
		if (ns < h->floor_ns[r + 1])
			return ns <= h->floor_ns[r]
				       ? r
				       : r + (double)(ns - h->floor_ns[r]) /
							 (h->floor_ns[r + 1] - h->floor_ns[r]);
	}
	return h->rows;
}

__u32 heat_step_s(const struct heat *h, double least)
{
	static const __u32 steps[] = { 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, DAY_S };
	size_t i = 0;

	while (i + 1 < sizeof(steps) / sizeof(*steps) && steps[i] < least * h->column_s)
		i++;
	return steps[i];
}

__u64 heat_mark_s(__u64 from_s, __u32 step_s)
{
	time_t from = (time_t)from_s;
	struct tm tm;
	__u64 of_day;

	localtime_r(&from, &tm);
	of_day = ((__u64)tm.tm_hour * 60 + tm.tm_min) * 60 + tm.tm_sec;
	return from_s + (step_s - of_day % step_s) % step_s;
}

static const char *time_as(__u64 s, const char *format, char *buf, size_t size)
{
	time_t when = (time_t)s;
	struct tm tm;

	if (!strftime(buf, size, format, localtime_r(&when, &tm)))
		buf[0] = 0;
	return buf;
}

const char *heat_clock_text(__u64 s, char *buf, size_t size)
{
	return time_as(s, "%H:%M", buf, size);
}

const char *heat_summary(const struct heat *h, char *buf, size_t size)
{
	char from[32], to[32];
	__u64 samples = heat_samples(h);

	snprintf(buf, size, "%s to %s, %u s a column, %llu sample%s",
		 time_as(h->begin_s, "%F %H:%M:%S", from, sizeof(from)),
		 time_as(h->begin_s + (__u64)h->columns * h->column_s, "%H:%M:%S", to, sizeof(to)),
		 h->column_s, samples, samples == 1 ? "" : "s");
	return buf;
}
