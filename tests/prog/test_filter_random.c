// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The datapath and the reference agree on random filters and random frames:
 * verdict, counters and reasons, at XDP and at TC. WEIR_TEST_PAIRS says on how
 * many pairs of a filter and a frame.
 */
#include <errno.h>
#include <linux/pkt_cls.h>
#include <string.h>
#include <time.h>

#include "generate.h"
#include "harness.h"
#include "reference.h"

#define PAIRS 50000
#define FRAMES_PER_FILTER 100
#define CUT_ONE_IN 25 /* of the frames are also cut at every byte */
#define RULES_PER_FILTER 40
#define BIG_RULES 60
#define RULES 64 /* counters that are looked at */

/* What the counters of one filter should have gone up by. */
struct expected {
	struct weir_counter rules[RULES];
	__u64 reasons[WEIR_R_COUNT];
};

struct bench {
	struct harness h;
	struct reference *reference;
	struct expected before, now;
	__u64 runs, refused;
};

static enum weir_reason reason_of(const struct judgement *j, size_t rules)
{
	if (j->rule == REFERENCE_NO_RULE)
		return WEIR_R_CONTINUE;
	if (!j->drop)
		return WEIR_R_FILTER_PASS;
	return j->rule == (int)rules ? WEIR_R_FILTER_DEFAULT : WEIR_R_FILTER_DROP;
}

static void disagree(const struct bench *b, const struct frame *f, const struct judgement *j,
		     const char *hook, __u32 verdict)
{
	model_print(&b->h.model, MODEL_PRINT_STORED, stdout);
	frame_print(f);
	fail_msg("%s: verdict %d, but rule %d should %s", hook, (int)verdict, j->rule,
		 j->drop ? "drop" : "pass");
}

static void expect_one(struct weir_counter *counter, const struct frame *f)
{
	counter->packets++;
	counter->bytes += f->size;
}

static void expect(struct bench *b, const struct frame *f, const struct judgement *j)
{
	size_t rules = b->h.model.filters[0].rules_count;

	for (size_t i = 0; i < j->went_on_count; i++)
		expect_one(&b->now.rules[j->went_on[i]], f);
	if (j->rule != REFERENCE_NO_RULE)
		expect_one(&b->now.rules[j->rule], f);
	b->now.reasons[reason_of(j, rules)]++;
	b->runs++;
}

static void run_both_hooks(struct bench *b, const struct frame *f)
{
	static struct outcome out;
	struct judgement j;
	struct seen seen;
	int error;

	reference_parse(f->bytes, f->size, &seen);
	seen.device = GENERATE_DEVICE;
	reference_judge(b->reference, &seen, &j);

	assert_int_equal(harness_run(&b->h, HOOK_XDP, f, &out), 0);
	expect(b, f, &j);
	if (out.verdict != (j.drop ? XDP_DROP : XDP_PASS))
		disagree(b, f, &j, "xdp", out.verdict);
	assert_int_equal(out.frame.size, f->size);
	assert_memory_equal(out.frame.bytes, f->bytes, f->size);

	error = harness_run(&b->h, HOOK_INGRESS, f, &out);
	if (error == -EINVAL && harness_too_short_for_tc(f)) {
		b->refused++;
		return;
	}
	assert_int_equal(error, 0);
	expect(b, f, &j);
	if (out.verdict != (__u32)(j.drop ? TC_ACT_SHOT : TC_ACT_UNSPEC))
		disagree(b, f, &j, "tc", out.verdict);
}

static void run_cuts(struct bench *b, const struct frame *whole)
{
	struct frame f = *whole;

	while (f.size-- > ETHERNET_BYTES)
		run_both_hooks(b, &f);
}

static void read_counters(const struct bench *b, struct expected *e)
{
	for (__u32 i = 0; i < RULES; i++)
		e->rules[i] = harness_counter(&b->h, WEIR_MAP_RULES, i);
	for (__u32 i = 0; i < WEIR_R_COUNT; i++)
		e->reasons[i] = harness_reason(&b->h, 0, i);
}

/* @b->before plus what was expected since is what the maps now hold. */
static void check_counters(struct bench *b)
{
	struct expected real;

	read_counters(b, &real);
	for (__u32 i = 0; i < RULES; i++) {
		assert_int_equal(real.rules[i].packets,
				 b->before.rules[i].packets + b->now.rules[i].packets);
		assert_int_equal(real.rules[i].bytes,
				 b->before.rules[i].bytes + b->now.rules[i].bytes);
	}
	for (__u32 i = 0; i < WEIR_R_COUNT; i++)
		assert_int_equal(real.reasons[i], b->before.reasons[i] + b->now.reasons[i]);
	b->before = real;
	memset(&b->now, 0, sizeof(b->now));
}

static const struct image_device device = {
	.slot = 0, .ifindex = 1, .stages = STAGE(FILTER), .filter = "f", .name = GENERATE_DEVICE
};
static const struct harness_host host = { .devices = &device, .devices_count = 1 };

static void start(struct bench *b)
{
	memset(b, 0, sizeof(*b));
	harness_start(&b->h, "interface test { xdp auto; filter f }\nfilter f { default pass }\n",
		      &host);
	harness_load(&b->h, HOOK_XDP, 0, STAGE(FILTER));
	harness_load(&b->h, HOOK_INGRESS, 0, STAGE(FILTER));
}

static void change(struct bench *b, const char *config)
{
	reference_free(b->reference);
	harness_change(&b->h, config);
	b->reference = reference_new(&b->h.model, &b->h.model.filters[0]);
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void a_random_filter_judges_random_frames_like_the_reference(void **state)
{
	const char *wish = getenv("WEIR_TEST_PAIRS");
	unsigned long pairs = wish ? strtoul(wish, NULL, 0) : PAIRS;
	static struct bench b;
	static struct frame f;
	double start_s;

	(void)state;
	NEED_BPF();
	start(&b);
	start_s = now_s();
	for (unsigned long done = 0; done < pairs; done++) {
		if (done % FRAMES_PER_FILTER == 0) {
			char *config = generate_config(done % 7 ? RULES_PER_FILTER : BIG_RULES);

			check_counters(&b);
			change(&b, config);
			free(config);
		}
		generate_frame(&f);
		run_both_hooks(&b, &f);
		if (done % CUT_ONE_IN == 0)
			run_cuts(&b, &f);
	}
	check_counters(&b);
	printf("# %lu pairs, %llu runs in %.1f s; TC test runs refused as too short: %llu\n", pairs,
	       b.runs, now_s() - start_s, b.refused);
	reference_free(b.reference);
	harness_stop(&b.h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_random_filter_judges_random_frames_like_the_reference),
	};

	generate_start();
	return WEIR_RUN(tests);
}
