// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The compiled form of a filter, walked in user space as its contract in
 * include/weir says, finds what the linear reference finds. WEIR_TEST_PAIRS says
 * on how many pairs of a rule set and a frame. The image is the same to the byte
 * when no thread can be had.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../prog/near.h"
#include "../prog/ruleset.h"
#include "balance.h"
#include "classifier_walk.h"
#include "print.h"

#define PAIRS 40000

static void print_one(const char *what, int rule)
{
	const struct filter *f = &t.model.filters[0];

	printf("# %s: ", what);
	if (rule >= 0 && rule < (int)f->rules_count)
		print_rule(&f->rules[rule], stdout);
	else
		printf("%s", rule < 0 ? "no rule" : "the default");
	printf("\n");
}

static void judge_one(void)
{
	static struct found found;
	static struct frame f;
	struct judgement j;
	struct seen seen;

	near_frame(&t.model, &t.model.filters[0], &f);
	reference_parse(f.bytes, f.size, &seen);
	seen.device = GENERATE_DEVICE;
	reference_judge(t.reference, &seen, &j);
	find(&seen, &found);
	if (found.rule == j.rule && found.went_on_count == j.went_on_count &&
	    (!j.went_on_count ||
	     !memcmp(found.went_on, j.went_on, j.went_on_count * sizeof(*j.went_on))))
		return;
	frame_print(&f);
	print_one("the reference says", j.rule);
	print_one("the walk finds", found.rule);
	fail_msg("rule %d, not %d; %zu went on, not %zu", found.rule, j.rule, found.went_on_count,
		 j.went_on_count);
}

static void drop(void)
{
	reference_free(t.reference);
	model_free(&t.model);
	free(t.image);
	memset(&t, 0, sizeof(t));
}

static bool has_no_threads;

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*work)(void *), void *arg)
{
	int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) =
		dlsym(RTLD_NEXT, "pthread_create");

	return has_no_threads ? EAGAIN : create(thread, attr, work, arg);
}

static void build_alone(const struct image_spec *spec)
{
	struct weir_image *alone;
	__u32 bytes;

	has_no_threads = true;
	assert_int_equal(image_build(spec, &alone, &bytes), 0);
	has_no_threads = false;
	assert_int_equal(bytes, t.bytes);
	assert_memory_equal(alone, t.image, bytes);
	free(alone);
}

static void use(const char *text)
{
	static const struct image_device device = {
		.name = GENERATE_DEVICE, .ifindex = 1, .stages = 1, .filter = "f"
	};
	static __u32 ids[MOST_RULES + 1];
	static const struct rings no_rings;
	struct image_spec spec = { .model = &t.model,
				   .devices = &device,
				   .devices_count = 1,
				   .device_slots = 1,
				   .rule_ids = ids,
				   .backend_ids = ids,
				   .service_ids = ids,
				   .rings = &no_rings,
				   .set_slots = ids,
				   .config = "" };
	const struct weir_device *row;
	struct diags d = {};

	drop();
	for (__u32 i = 0; i <= MOST_RULES; i++)
		ids[i] = i;
	if (model_parse("test.conf", text, strlen(text), MODEL_FILES_READ, &d, &t.model)) {
		diag_print(&d, stdout);
		fail_msg("the configuration of a test does not parse");
	}
	diag_free(&d);
	assert_int_equal(image_build(&spec, &t.image, &t.bytes), 0);
	build_alone(&spec);
	row = at(t.image->devices_offset, sizeof(*row));
	t.filter = at(row->filter_offset, sizeof(*t.filter));
	t.reference = reference_new(&t.model, &t.model.filters[0]);
}

static unsigned long wished_pairs(void)
{
	const char *wish = getenv("WEIR_TEST_PAIRS");

	return wish ? strtoul(wish, NULL, 0) : PAIRS;
}

/* From one rule to @most, each size with as many frames. */
static void judge_all(enum ruleset kind, __u32 most)
{
	static const __u32 sizes[] = { 1, 3, 30, 300, 3000, MOST_RULES };
	unsigned long pairs = wished_pairs() / RULESET_KINDS, done = 0;
	size_t count = 0;

	while (sizes[count++] < most)
		;
	for (size_t i = 0; i < count; i++) {
		char *text = ruleset_text(kind, sizes[i] < most ? sizes[i] : most);

		use(text);
		free(text);
		for (; done < pairs * (i + 1) / count; done++)
			judge_one();
	}
	printf("# %lu pairs, up to %u rules; the last image had %u bytes\n", done, most, t.bytes);
	drop();
}

#define X(sym, name, most)                      \
	static void name(void **state)          \
	{                                       \
		(void)state;                    \
		judge_all(RULESET_##sym, most); \
	}
RULESETS(X)
#undef X

/* A filter whose rules have one term of IPv4 each. */
static char *rules_of_one_term(__u32 count)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fputs("interface " GENERATE_DEVICE " { xdp auto; filter f }\nfilter f {\n\tdefault pass\n",
	      out);
	for (__u32 i = 0; i < count; i++)
		fprintf(out, "\trule r%u drop udp saddr 10.%u.%u.0/24 dport %u\n", i, i % 11,
			i % 31, i + 1);
	fputs("}\n", out);
	fclose(out);
	return text;
}

/* A row is a word without terms, and whole groups of four words in all. */
static void check_rows(__u32 terms)
{
	const struct weir_forest *forest = &t.filter->forest[WEIR_FAMILY_V4];
	const struct weir_vectors *v;

	if (terms > WEIR_VECTOR_TERMS) {
		assert_int_not_equal(forest->trees, WEIR_FOREST_VECTORS);
		return;
	}
	assert_int_equal(forest->trees, WEIR_FOREST_VECTORS);
	v = at(forest->root[0], sizeof(*v));
	assert_int_equal(v->groups, (64 + terms + 255) / 256);
}

/* Where a word, a group or all of a row is full, and beside it. */
static void every_length_of_the_rows_of_bits(void **state)
{
	static const __u32 full[] = { 64, 128, 192, 256, 448, 704, 960, 1216, WEIR_VECTOR_TERMS };

	(void)state;
	for (size_t i = 0; i < sizeof(full) / sizeof(full[0]); i++) {
		for (__u32 terms = full[i] - 1; terms <= full[i] + 1; terms++) {
			char *text = rules_of_one_term(terms);

			use(text);
			free(text);
			check_rows(terms);
			for (__u32 k = 0; k < 200; k++)
				judge_one();
		}
	}
	drop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define X(sym, name, most) { #name "_are_found_as_by_the_reference", name, NULL, NULL, NULL },
		RULESETS(X)
#undef X
			cmocka_unit_test(every_length_of_the_rows_of_bits),
	};

	generate_start();
	return WEIR_RUN(tests);
}
