// SPDX-License-Identifier: GPL-2.0-or-later
/* What came between two readings: of histograms, of the path, of what was lost. */
#include <stdlib.h>
#include <string.h>

#include "drops.h"
#include "hist.h"
#include "losses.h"
#include "own.h"
#include "path_show.h"
#include "random.h"
#include "test_main.h"

/* Histogram of @count values, in ticks. */
static struct hist hist_of(const __u32 *ticks, size_t count)
{
	struct weir_hist part = {};
	struct hist h;

	for (size_t i = 0; i < count; i++) {
		part.bucket[weir_hist_index(ticks[i])]++;
		part.sum += ticks[i];
		if (!part.min_plus_1 || ticks[i] + 1 < part.min_plus_1)
			part.min_plus_1 = ticks[i] + 1;
		part.max = ticks[i] > part.max ? ticks[i] : part.max;
	}
	hist_sum(&part, 1, &h);
	return h;
}

/* Within a bucket: 1/32, or the tick that it is. */
static void assert_close(__u64 ns, __u32 ticks)
{
	__u64 exact = (__u64)ticks << WEIR_TICK_SHIFT;

	if (ns + exact / 32 < exact || ns > exact + exact / 32)
		fail_msg("%llu ns, but it was %llu", ns, exact);
}

static void what_came_since_is_as_if_it_were_alone(void **state)
{
	enum { ALL = 400 };
	__u32 ticks[ALL];

	(void)state;
	for (int round = 0; round < 50; round++) {
		size_t before_count = random_below(ALL), count = ALL - before_count;
		struct hist now, before, alone, since;

		for (size_t i = 0; i < ALL; i++)
			ticks[i] = (__u32)random_u64() >> random_below(30);
		now = hist_of(ticks, ALL);
		before = hist_of(ticks, before_count);
		alone = hist_of(ticks + before_count, count);
		hist_since(&now, &before, &since);
		assert_memory_equal(since.bucket, alone.bucket, sizeof(since.bucket));
		assert_int_equal(since.count, alone.count);
		assert_int_equal(since.sum_ns, alone.sum_ns);
		assert_close(since.min_ns, (__u32)(alone.min_ns >> WEIR_TICK_SHIFT));
		assert_close(since.max_ns, (__u32)(alone.max_ns >> WEIR_TICK_SHIFT));
	}
}

static void nothing_came_and_all_came_anew_after_a_reset(void **state)
{
	const __u32 many[] = { 4, 50, 600, 7000 }, few[] = { 80, 90 };
	struct hist was = hist_of(many, 4), now = hist_of(few, 2), none = {}, since;

	(void)state;
	hist_since(&was, &was, &since);
	assert_int_equal(since.count, 0);
	assert_int_equal(since.sum_ns + since.min_ns + since.max_ns, 0);
	hist_since(&was, &none, &since);
	assert_memory_equal(&since, &was, sizeof(was));
	hist_since(&now, &was, &since);
	assert_memory_equal(since.bucket, now.bucket, sizeof(now.bucket));
	assert_int_equal(since.count, 2);
}

static void pairs_of_the_path_are_compared_each_with_itself(void **state)
{
	const __u32 ticks[] = { 10, 20, 30, 40, 50 };
	struct path_row before_list[] = {
		{ .pair = { .from.ifindex = 1, .stage = WEIR_PATH_HOP },
		  .hist = hist_of(ticks, 1) },
		{ .pair = { .from.ifindex = 2, .stage = WEIR_PATH_HOP },
		  .hist = hist_of(ticks, 2) },
	};
	/* Another one has come, and the order is another. */
	struct path_row now_list[] = {
		{ .pair = before_list[1].pair, .hist = hist_of(ticks, 5) },
		{ .pair = { .from.ifindex = 3, .stage = WEIR_PATH_HOP },
		  .hist = hist_of(ticks, 4) },
		{ .pair = before_list[0].pair, .hist = hist_of(ticks, 1) },
	};
	struct path_rows before = { .list = before_list, .count = 2 },
			 now = { .list = now_list, .count = 3 }, fresh;

	(void)state;
	assert_int_equal(path_since(&now, &before, &fresh), 0);
	assert_int_equal(fresh.count, 2);
	assert_int_equal(fresh.list[0].pair.from.ifindex, 2);
	assert_int_equal(fresh.list[0].hist.count, 3);
	assert_int_equal(fresh.list[1].pair.from.ifindex, 3);
	assert_int_equal(fresh.list[1].hist.count, 4);
	free(fresh.list);
}

static void lost_is_what_was_lost_since(void **state)
{
	struct drop_row before_rows[] = {
		{ .key = { .netns = 1, .reason = 3 }, .packets = 10 },
		{ .key = { .netns = 1, .reason = 4 }, .packets = 5 },
	};
	struct drop_row rows[] = {
		{ .key = { .netns = 1, .reason = 4 }, .packets = 5 },
		{ .key = { .netns = 1, .reason = 3 }, .packets = 17 },
		{ .key = { .netns = 2, .reason = 3 }, .packets = 2 },
	};
	struct weir_process was = { .pid = 42, .retransmits = 7, .resets_sent = 1 },
			    is = { .pid = 42, .retransmits = 9, .resets_sent = 1 };
	struct weir_retransmit old = { .sport = 5, .count = 4, .netns = 1 },
			       flows[] = { { .sport = 5, .count = 4, .netns = 1 },
					   { .sport = 6, .count = 3, .netns = 1 } };
	struct drops before = { .drops = before_rows,
				.drops_count = 2,
				.processes = &was,
				.processes_count = 1,
				.flows = &old,
				.flows_count = 1 };
	struct drops now = { .drops = rows,
			     .drops_count = 3,
			     .processes = &is,
			     .processes_count = 1,
			     .flows = flows,
			     .flows_count = 2 };

	(void)state;
	drops_since(&now, &before);
	assert_int_equal(now.drops_count, 2);
	assert_int_equal(now.drops[0].packets, 7);
	assert_int_equal(now.drops[1].packets, 2);
	assert_int_equal(now.processes_count, 1);
	assert_int_equal(now.processes[0].retransmits, 2);
	assert_int_equal(now.processes[0].resets_sent, 0);
	assert_int_equal(now.flows_count, 1);
	assert_int_equal(now.flows[0].sport, 6);
	assert_int_equal(now.flows[0].count, 3);
}

static void what_nobody_lost_is_set_apart(void **state)
{
	struct drop_row rows[] = {
		{ .key = { .netns = 1, .reason = 1, .kind = WEIR_DROP_DROP }, .packets = 100 },
		{ .key = { .netns = 1, .reason = 2, .kind = WEIR_DROP_DROP }, .packets = 3 },
		{ .key = { .netns = 2, .reason = 1, .kind = WEIR_DROP_DROP }, .packets = 11 },
		{ .key = { .netns = 1, .kind = WEIR_DROP_RETRANSMIT }, .packets = 5 },
		{ .key = { .reason = 3, .kind = WEIR_DROP_DROP }, .packets = 31 },
	};
	char names[4][48] = { [1] = "otherhost", [2] = "no-socket", [3] = "queue-purge" };
	struct drops d = { .drops = rows, .drops_count = 5, .reasons = { names, 4 } };
	OWN_FREE char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	json_t *json, *apart;

	(void)state;
	drops_set_apart(&d);
	assert_int_equal(d.drops_count, 2);
	drops_print(&d, 1, out);
	fclose(out);
	assert_null(strstr(text, "\notherhost"));
	assert_non_null(strstr(text, "\nno-socket "));
	assert_non_null(strstr(text, "\nretransmit "));
	assert_non_null(strstr(text, "\nno loss: 111 packets for other hosts, "));
	assert_non_null(strstr(text, "\nno loss: 31 packets that lay in sockets "));
	json = drops_json(&d);
	apart = json_object_get(json, "no_losses");
	assert_int_equal(json_integer_value(json_object_get(apart, "otherhost")), 111);
	assert_int_equal(json_integer_value(json_object_get(apart, "queue-purge")), 31);
	json_decref(json);
}

static char *untimed_text(const struct losses *l)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	losses_print_untimed(l, out);
	fclose(out);
	return text;
}

static void who_has_too_small_tables_is_told_what_to_write(void **state)
{
	struct loss_row rows[2] = { { .interface = "eth0", .sender = WEIR_DIR_WIRE },
				    { .interface = "eth0", .sender = WEIR_DIR_HOST } };
	struct losses l = { rows, 2, 65536 }, before = {};
	OWN_FREE char *calm = NULL, *full = NULL, *again = NULL;

	(void)state;
	rows[0].seen.count[WEIR_LOSS_FLOW] = 20;
	rows[0].seen.count[WEIR_LOSS_UNMATCHED] = 20;
	calm = untimed_text(&l);
	assert_null(strstr(calm, "  too many"));
	assert_null(strstr(calm, "elsewhere"));
	rows[0].seen.count[WEIR_LOSS_EVICTED] = 7;
	rows[1].seen.count[WEIR_LOSS_STAMP_LOST] = 3;
	rows[1].seen.count[WEIR_LOSS_UNMATCHED] = 1;
	rows[1].seen.count[WEIR_LOSS_PREFIX_EVICTED] = 1;
	full = untimed_text(&l);
	assert_non_null(strstr(full, "7 live flows and 3 stamps gave way; write \"latency { flows "
				     "131072 }\""));
	assert_non_null(strstr(full, "\"prefixes\""));
	assert_non_null(strstr(full, "elsewhere"));
	assert_int_equal(losses_copy(&l, &before), 0);
	rows[1].seen.count[WEIR_LOSS_FLOW] = 2;
	losses_since(&l, &before);
	again = untimed_text(&l);
	assert_non_null(strstr(again, "\neth0  wire  nothing\neth0  host  flows 2\n"));
	losses_free(&before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_came_since_is_as_if_it_were_alone),
		cmocka_unit_test(nothing_came_and_all_came_anew_after_a_reset),
		cmocka_unit_test(pairs_of_the_path_are_compared_each_with_itself),
		cmocka_unit_test(lost_is_what_was_lost_since),
		cmocka_unit_test(what_nobody_lost_is_set_apart),
		cmocka_unit_test(who_has_too_small_tables_is_told_what_to_write),
	};

	random_start();
	return WEIR_RUN(tests);
}
