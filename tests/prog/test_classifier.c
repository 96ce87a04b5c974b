// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The classifier finds the rule that the linear reference finds, for rule sets
 * of every style and size, with frames at the borders of the rules.
 * WEIR_TEST_PAIRS says on how many pairs of a rule set and a frame.
 */
#include <errno.h>
#include <linux/pkt_cls.h>
#include <string.h>
#include <time.h>

#include "harness.h"
#include "near.h"
#include "print.h"
#include "reference.h"
#include "ruleset.h"

#define PAIRS 150000
#define MOST_RULES 20000
#define TC_ONE_IN 8 /* frames go through TC, too */

static const struct image_device device = {
	.slot = 0, .ifindex = 1, .stages = STAGE(FILTER), .filter = "f", .name = GENERATE_DEVICE
};
static const struct harness_host host = {
	.devices = &device, .devices_count = 1, .image_bytes = 64 << 20, .rules = MOST_RULES + 1
};

static struct harness h;
static struct reference *reference;
/* What each rule's counter should show. */
static __u64 expected[MOST_RULES + 1];

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void print_one(const char *what, int rule)
{
	const struct filter *f = &h.model.filters[0];

	printf("# %s: ", what);
	if (rule < 0) {
		printf("no rule\n");
	} else if (rule == (int)f->rules_count) {
		printf("the default\n");
	} else {
		printf("rule %s ", f->rules[rule].name);
		print_rule(&f->rules[rule], stdout);
		printf("\n");
	}
}

/* Name every rule whose counter is not what it should be. */
static int print_wrong_counters(void)
{
	int wrong = 0;

	for (__u32 i = 0; i <= h.model.filters[0].rules_count && wrong < 10; i++) {
		__u64 real = harness_counter(&h, WEIR_MAP_RULES, i).packets;

		if (real == expected[i])
			continue;
		printf("# counter is %lld off\n", (long long)(real - expected[i]));
		print_one("rule", (int)i);
		wrong++;
	}
	return wrong;
}

static void disagree(const struct frame *f, const struct judgement *j, enum hook hook,
		     const struct outcome *out)
{
	frame_print(f);
	print_one("the reference says", j->rule);
	print_wrong_counters();
	fail_msg("%s: verdict %d of %zu rules", hook_names[hook], (int)out->verdict,
		 h.model.filters[0].rules_count);
}

static void run(const struct frame *f, const struct judgement *j, enum hook hook)
{
	static const int pass[] = { [HOOK_XDP] = XDP_PASS, [HOOK_INGRESS] = TC_ACT_UNSPEC };
	static const int drop[] = { [HOOK_XDP] = XDP_DROP, [HOOK_INGRESS] = TC_ACT_SHOT };
	static struct outcome out;
	int error = harness_run(&h, hook, f, &out);

	if (hook == HOOK_INGRESS && error == -EINVAL && harness_too_short_for_tc(f))
		return;
	assert_int_equal(error, 0);
	for (size_t i = 0; i < j->went_on_count; i++)
		expected[j->went_on[i]]++;
	if (j->rule != REFERENCE_NO_RULE)
		expected[j->rule]++;
	if ((int)out.verdict != (j->drop ? drop[hook] : pass[hook]))
		disagree(f, j, hook, &out);
	if (j->rule != REFERENCE_NO_RULE &&
	    harness_counter(&h, WEIR_MAP_RULES, (__u32)j->rule).packets != expected[j->rule])
		disagree(f, j, hook, &out);
}

static void judge_one(void)
{
	static struct frame f;
	struct judgement j;
	struct seen seen;

	near_frame(&h.model, &h.model.filters[0], &f);
	reference_parse(f.bytes, f.size, &seen);
	seen.device = GENERATE_DEVICE;
	reference_judge(reference, &seen, &j);
	run(&f, &j, HOOK_XDP);
	if (generate_one_in(TC_ONE_IN))
		run(&f, &j, HOOK_INGRESS);
}

static void use(enum ruleset kind, __u32 rules)
{
	char *text = ruleset_text(kind, rules);

	reference_free(reference);
	reference = NULL;
	harness_change(&h, text);
	reference = reference_new(&h.model, &h.model.filters[0]);
	free(text);
}

static unsigned long wished_pairs(void)
{
	const char *wish = getenv("WEIR_TEST_PAIRS");

	return wish ? strtoul(wish, NULL, 0) : PAIRS;
}

/* How many rules have decided a frame since @before. */
static __u32 count_deciders(const __u64 *before)
{
	__u32 count = 0;

	for (__u32 i = 0; i <= MOST_RULES; i++)
		count += expected[i] != before[i];
	return count;
}

/* From one rule to @most, each size with as many frames. */
static void judge_all(enum ruleset kind, __u32 most)
{
	static const __u32 sizes[] = { 1, 3, 30, 300, 3000, MOST_RULES };
	unsigned long pairs = wished_pairs() / RULESET_KINDS, done = 0;
	static __u64 before[MOST_RULES + 1];
	size_t count = 0;
	double start = now_s();

	NEED_BPF();
	/* What a test that failed left behind is not this one's fault. */
	for (__u32 i = 0; i <= MOST_RULES; i++)
		expected[i] = harness_counter(&h, WEIR_MAP_RULES, i).packets;
	while (sizes[count++] < most)
		;
	for (size_t i = 0; i < count; i++) {
		__u32 rules = sizes[i] < most ? sizes[i] : most;

		use(kind, rules);
		memcpy(before, expected, sizeof(before));
		for (; done < pairs * (i + 1) / count; done++)
			judge_one();
		if (print_wrong_counters())
			fail_msg("counters of %u rules are wrong", rules);
	}
	printf("# %lu pairs, up to %u rules, in %.1f s; the last set had %u matching rules\n", done,
	       most, now_s() - start, count_deciders(before));
}

#define X(sym, name, most)                      \
	static void name(void **state)          \
	{                                       \
		(void)state;                    \
		judge_all(RULESET_##sym, most); \
	}
RULESETS(X)
#undef X

static int start(void **state)
{
	(void)state;
	if (harness_refusal())
		return 0;
	harness_start(&h, "interface " GENERATE_DEVICE " { xdp auto; filter f }\nfilter f { }\n",
		      &host);
	harness_load(&h, HOOK_XDP, 0, STAGE(FILTER));
	harness_load(&h, HOOK_INGRESS, 0, STAGE(FILTER));
	return 0;
}

static int stop(void **state)
{
	(void)state;
	reference_free(reference);
	if (!harness_refusal())
		harness_stop(&h);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define X(sym, name, most) { #name "_are_judged_like_the_reference", name, NULL, NULL, NULL },
		RULESETS(X)
#undef X
	};

	generate_start();
	return WEIR_RUN_GROUP(tests, start, stop);
}
