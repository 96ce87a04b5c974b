// SPDX-License-Identifier: GPL-2.0-or-later
#include "hist.h"

#include <stdbool.h>
#include <string.h>

/* A row of bars per power of two of a tick: 0, 1, 2-3, 4-7, up to 2^32 - 1. */
#define ROWS 33

#define TIME_COLUMNS 7 /* "32.8 us" */
#define COUNT_COLUMNS 7

static __u64 ticks_to_ns(__u64 ticks)
{
	return ticks << WEIR_TICK_SHIFT;
}

void hist_sum(const struct weir_hist *parts, unsigned int cpus, struct hist *out)
{
	__u32 min_plus_1 = 0, max = 0;
	unsigned int cpu, i;

	memset(out, 0, sizeof(*out));
	for (cpu = 0; cpu < cpus; cpu++) {
		const struct weir_hist *part = &parts[cpu];

		out->sum_ns += ticks_to_ns(part->sum);
		for (i = 0; i < WEIR_HIST_BUCKETS; i++) {
			out->bucket[i] += part->bucket[i];
			out->count += part->bucket[i];
		}
		if (part->min_plus_1 && (!min_plus_1 || part->min_plus_1 < min_plus_1))
			min_plus_1 = part->min_plus_1;
		if (part->max > max)
			max = part->max;
	}
	if (min_plus_1)
		out->min_ns = ticks_to_ns(min_plus_1 - 1);
	out->max_ns = ticks_to_ns(max);
}

void hist_add(struct hist *to, const struct hist *from)
{
	if (!from->count)
		return;
	if (!to->count || from->min_ns < to->min_ns)
		to->min_ns = from->min_ns;
	if (from->max_ns > to->max_ns)
		to->max_ns = from->max_ns;
	to->count += from->count;
	to->sum_ns += from->sum_ns;
	for (unsigned int i = 0; i < WEIR_HIST_BUCKETS; i++)
		to->bucket[i] += from->bucket[i];
}

void hist_since(const struct hist *now, const struct hist *before, struct hist *out)
{
	bool is_reset = now->count < before->count || now->sum_ns < before->sum_ns;

	*out = (struct hist){ .sum_ns = now->sum_ns - (is_reset ? 0 : before->sum_ns) };
	for (unsigned int i = 0; i < WEIR_HIST_BUCKETS; i++) {
		__u64 floor = ticks_to_ns(weir_hist_floor(i));
		__u64 last = ticks_to_ns(weir_hist_floor(i + 1) - 1);
		__u64 was = is_reset ? 0 : before->bucket[i];

		if (now->bucket[i] <= was)
			continue;
		out->bucket[i] = now->bucket[i] - was;
		if (!out->count)
			out->min_ns = floor > now->min_ns ? floor : now->min_ns;
		out->max_ns = last < now->max_ns ? last : now->max_ns;
		out->count += out->bucket[i];
	}
}

/* A bucket holds whole ticks, so [16, 18) is 16 and 17, and its middle 16.5. */
static __u64 middle_ns(unsigned int bucket)
{
	return ticks_to_ns(weir_hist_floor(bucket) + weir_hist_floor(bucket + 1) - 1) / 2;
}

__u64 hist_quantile_ns(const struct hist *h, unsigned int permille)
{
	__u64 rank = (h->count * permille + 999) / 1000, seen = 0, ns;
	unsigned int i;

	if (h->count == 0)
		return 0;
	for (i = 0; i < WEIR_HIST_BUCKETS - 1; i++) {
		seen += h->bucket[i];
		if (seen >= rank)
			break;
	}
	ns = middle_ns(i);
	if (ns < h->min_ns)
		ns = h->min_ns;
	return ns > h->max_ns ? h->max_ns : ns;
}

const char *hist_time_text(__u64 ns, char *buf, size_t size)
{
	static const struct {
		const char *name;
		__u64 ns;
	} units[] = { { "us", 1000 }, { "ms", 1000000 }, { "s", 1000000000 } };
	static const unsigned int scales[] = { 100, 10, 1 };
	unsigned int i;

	if (ns < 1000) {
		snprintf(buf, size, "%llu ns", ns);
		return buf;
	}
	/* The first of 1.00 us, 10.0 us, 100 us, 1.00 ms and so on in which it has three digits. */
	for (i = 0;; i++) {
		const unsigned int scale = scales[i % 3];
		const __u64 step = units[i / 3].ns / scale;
		const __u64 digits = ns / step + (ns % step >= step - step / 2);

		if (digits >= 1000 && i < 8)
			continue;
		if (scale == 1)
			snprintf(buf, size, "%llu %s", digits, units[i / 3].name);
		else
			snprintf(buf, size, "%llu.%0*llu %s", digits / scale, scale == 100 ? 2 : 1,
				 digits % scale, units[i / 3].name);
		return buf;
	}
}

static unsigned int row_of(unsigned int bucket)
{
	__u64 ticks = weir_hist_floor(bucket);
	unsigned int row = 0;

	for (; ticks; ticks >>= 1)
		row++;
	return row;
}

static __u64 row_floor_ns(unsigned int row)
{
	return row ? ticks_to_ns(1ULL << (row - 1)) : 0;
}

static void print_marks(char mark, unsigned int n, FILE *out)
{
	while (n--)
		fputc(mark, out);
}

void hist_print_bars(const struct hist *h, unsigned int width, FILE *out)
{
	__u64 rows[ROWS] = { 0 }, most = 0;
	unsigned int i, first = ROWS, last = 0, head, count_columns, bar, marks;
	char low[32], high[32];

	for (i = 0; i < WEIR_HIST_BUCKETS; i++) {
		const unsigned int row = row_of(i);

		if (!h->bucket[i])
			continue;
		rows[row] += h->bucket[i];
		first = row < first ? row : first;
		last = row;
		most = rows[row] > most ? rows[row] : most;
	}
	count_columns = (unsigned int)snprintf(NULL, 0, "%llu", most);
	if (count_columns < COUNT_COLUMNS)
		count_columns = COUNT_COLUMNS;
	head = TIME_COLUMNS + strlen(" - ") + TIME_COLUMNS + strlen(" ") + count_columns;
	/* Too narrow a screen gets the figures alone. */
	bar = width > head + strlen(" ||") ? width - head - strlen(" ||") : 0;

	for (i = first; i <= last; i++) {
		fprintf(out, "%*s - %*s %*llu", TIME_COLUMNS,
			hist_time_text(row_floor_ns(i), low, sizeof(low)), TIME_COLUMNS,
			hist_time_text(row_floor_ns(i + 1), high, sizeof(high)), (int)count_columns,
			rows[i]);
		if (bar) {
			/* Rounded up: a row without a mark is a row without a sample. */
			marks = (unsigned int)((rows[i] * bar + most - 1) / most);
			fputs(" |", out);
			print_marks('#', marks, out);
			print_marks(' ', bar - marks, out);
			fputc('|', out);
		}
		fputc('\n', out);
	}
}
