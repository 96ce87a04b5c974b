// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rings over generations: a plain model of each slot, by names, and random
 * changes of weights, backends and time. The image must say the same.
 */
#include <stdio.h>
#include <string.h>

#include "balance.h"
#include "maglev.h"
#include "own.h"
#include "plan_ids.h"
#include "random.h"
#include "test_main.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SETTLE_S 100
#define NAMES 8
#define SERVICES 4
#define RINGS 64

/* A backend of the pool and of the service that has its own: they change alike. */
struct member {
	bool is_there, is_drained;
	unsigned int weight;
};

/* By index in names; -1: none. */
struct plain_slot {
	int base, current;
	bool is_moved;
};

struct plain_ring {
	bool is_known, has_base;
	unsigned long base_until, pins_until;
	struct plain_slot slot[WEIR_RING_SLOTS];
};

static const char *const names[NAMES] = { "ada", "bob", "cyd", "dan", "eve", "fay", "gus", "hal" };
static struct member members[NAMES];
static struct plain_ring plain[SERVICES];
static struct weir_ring map[RINGS];
static struct weir_settle settle[SERVICES + 1];
static struct model model;
static struct weir_image *image;
static unsigned long now;
static bool has_late; /* service 3 comes and goes */

static void write_backends(FILE *out)
{
	for (int i = 0; i < NAMES; i++) {
		if (members[i].is_there)
			fprintf(out, "backend %s 10.0.0.%d weight %u%s\n", names[i], i + 1,
				members[i].weight, members[i].is_drained ? " drain" : "");
	}
}

/* Two services of one pool, one with its own backends and without a base, one that comes and goes. */
static char *write_config(void)
{
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);

	fprintf(out, "interface a { balance }\npool p {\n");
	write_backends(out);
	fprintf(out,
		"}\nservice s0 { address 192.0.2.1; port tcp 80; forward l2; settle %ds; backends "
		"p }\n"
		"service s1 { address 192.0.2.2; port tcp 80; forward l2; settle %ds; backends p "
		"}\n"
		"service s2 { address 192.0.2.3; port tcp 80; forward l2; track none\n",
		SETTLE_S, SETTLE_S);
	write_backends(out);
	fprintf(out, "}\n");
	if (has_late)
		fprintf(out,
			"service s3 { address 192.0.2.4; port tcp 80; forward l2; settle %ds; "
			"backends p }\n",
			SETTLE_S);
	fclose(out);
	return text;
}

static void parse(struct model *m)
{
	OWN_FREE char *text = write_config();
	struct diags d = {};

	if (model_parse("test.conf", text, strlen(text), MODEL_FILES_READ, &d, m)) {
		diag_print(&d, stdout);
		fail_msg("does not parse:\n%s", text);
	}
	diag_free(&d);
}

/* What the model says goes into the image and the map, as apply does. */
static struct rings apply(void)
{
	OWN_FREE __u32 *rule_ids = NULL, *backend_ids = NULL, *service_ids = NULL;
	OWN_FREE __u8 *new_rules = NULL, *new_backends = NULL, *new_services = NULL;
	OWN_FREE struct host_route *routes = calloc(NAMES * 2, sizeof(*routes));
	const struct ring_past past = { .image = image,
					.rings = map,
					.settle = settle,
					.settle_count = COUNT(settle),
					.now_s = now };
	struct weir_image *next = NULL;
	struct rings rings;
	struct model m = {};
	__u32 bytes;

	parse(&m);
	assert_true(plan_rule_ids(&model, image, &m, &rule_ids, &new_rules) >= 0);
	assert_true(plan_backend_ids(&model, image, &m, &backend_ids, &new_backends) >= 0);
	assert_true(plan_service_ids(&model, image, &m, &service_ids, &new_services) >= 0);
	assert_int_equal(rings_make(&m, service_ids, backend_ids, &past, &rings), 0);
	assert_true(rings.room <= RINGS);
	const struct image_spec spec = { .model = &m,
					 .rule_ids = rule_ids,
					 .backend_ids = backend_ids,
					 .service_ids = service_ids,
					 .rings = &rings,
					 .routes = routes,
					 .config = "" };

	assert_int_equal(image_build(&spec, &next, &bytes), 0);
	for (size_t i = 0; i < rings.fresh_count; i++)
		map[rings.fresh[i].index] = *rings.fresh[i].ring;
	model_free(&model);
	model = m;
	free(image);
	image = next;
	return rings;
}

/* What Maglev gives, by index in names. */
static void deal(int *table)
{
	const char *list[NAMES];
	__u16 weights[NAMES];
	static __u32 dealt[WEIR_RING_SLOTS];
	int number[NAMES], count = 0, error;

	for (int i = 0; i < NAMES; i++) {
		if (!members[i].is_there)
			continue;
		list[count] = names[i];
		number[count] = i;
		weights[count++] = members[i].is_drained ? 0 : members[i].weight;
	}
	error = maglev_fill(list, weights, count, dealt, WEIR_RING_SLOTS);
	for (int i = 0; i < WEIR_RING_SLOTS; i++)
		table[i] = error ? -1 : number[dealt[i]];
}

static bool lives(int backend)
{
	return backend >= 0 && members[backend].is_there;
}

/* The rules, one slot at a time. */
static bool change_slot(struct plain_slot *s, int to, bool base_lives, bool pins_live)
{
	bool moves = to != s->current;
	int base;

	if (!base_lives && !pins_live)
		s->is_moved = false;
	base = s->is_moved && base_lives ? s->base : s->current;
	if (!lives(base))
		base = to;
	if (base != to)
		s->is_moved = true;
	s->base = base;
	s->current = to;
	return moves;
}

static void change(struct plain_ring *r)
{
	static int table[WEIR_RING_SLOTS];
	bool base_lives = now <= r->base_until, pins_live = now <= r->pins_until, moved = false;

	deal(table);
	for (int i = 0; i < WEIR_RING_SLOTS; i++) {
		struct plain_slot *s = &r->slot[i];

		if (r->is_known && r->has_base)
			moved |= change_slot(s, table[i], base_lives, pins_live);
		else
			*s = (struct plain_slot){ table[i], table[i], false };
	}
	r->is_known = true;
	if (!moved)
		return;
	r->base_until = now + SETTLE_S;
	if (r->pins_until < r->base_until + WEIR_PIN_GRACE_S + SETTLE_S)
		r->pins_until = r->base_until + WEIR_PIN_GRACE_S + SETTLE_S;
}

static int name_of(const struct weir_backend *backends, __u16 index)
{
	return index == WEIR_NO_BACKEND ? -1 : backends[index].addr[15] - 1;
}

static void compare(const struct plain_ring *r, const struct weir_service *row)
{
	const struct weir_backend *backends =
		IMAGE_AT(image, row->backends_offset, struct weir_backend);
	/* Nobody reads it then, and a ring that is kept still has it. */
	bool base_is_over = r->has_base && row->base_until_s && now > row->base_until_s;
	bool moved = false;

	for (int i = 0; i < WEIR_RING_SLOTS; i++) {
		const struct weir_slot *slot = &map[row->ring].slot[i];
		const struct plain_slot *want = &r->slot[i];
		bool is_moved = slot->current & WEIR_SLOT_MOVED;

		moved |= is_moved;
		if (name_of(backends, slot->current & ~WEIR_SLOT_MOVED) == want->current &&
		    is_moved == want->is_moved &&
		    (base_is_over || name_of(backends, slot->base) == want->base))
			continue;
		fail_msg("service %u slot %d: %#x %#x, not %d %d%s", row->id, i, slot->base,
			 slot->current, want->base, want->current, want->is_moved ? " moved" : "");
	}
	assert_int_equal(!!(row->flags & WEIR_SERVICE_UNSETTLED), moved);
	if (r->has_base) {
		assert_int_equal(row->base_until_s, r->base_until);
		assert_int_equal(row->pins_until_s, r->pins_until);
	}
}

static void compare_all(void)
{
	const struct weir_service *rows =
		IMAGE_AT(image, image->services_offset, struct weir_service);

	for (size_t i = 0; i < model.services_count; i++)
		compare(&plain[i], &rows[i]);
}

static void start(void)
{
	model_free(&model);
	free(image);
	image = NULL;
	memset(plain, 0, sizeof(plain));
	memset(settle, 0, sizeof(settle));
	memset(members, 0, sizeof(members));
	for (int i = 0; i < SERVICES; i++)
		plain[i].has_base = i != 2;
	for (int i = 0; i < 4; i++)
		members[i] = (struct member){ true, false, 10 };
	has_late = false;
	now = 1000;
}

/* Returns how many rings were made. */
static size_t generation(void)
{
	struct rings rings = apply();
	size_t fresh = rings.fresh_count;

	rings_free(&rings);
	for (size_t i = 0; i < 3; i++)
		change(&plain[i]);
	if (has_late)
		change(&plain[3]);
	else
		plain[3] = (struct plain_ring){ .has_base = true };
	compare_all();
	return fresh;
}

static void change_something(void)
{
	struct member *m = &members[random_below(NAMES)];

	switch (random_below(6)) {
	case 0:
	case 1:
		*m = (struct member){ !m->is_there, false, 1 + random_below(20) };
		break;
	case 2:
		m->weight = random_below(21);
		break;
	case 3:
	case 4:
		m->is_drained = !m->is_drained;
		break;
	default:
		has_late = !has_late;
	}
}

static void random_changes_give_what_the_plain_model_says(void **state)
{
	(void)state;
	for (int run = 0; run < 6; run++) {
		start();
		generation();
		for (int i = 0; i < 12; i++) {
			for (__u32 k = random_below(3); k < 3; k++)
				change_something();
			now += random_below(3) ? random_below(SETTLE_S / 2)
					       : random_below(3 * SETTLE_S);
			generation();
		}
	}
}

static void a_service_that_did_not_change_keeps_its_ring(void **state)
{
	(void)state;
	start();
	generation();
	assert_int_equal(generation(), 0);
	members[0].weight = 5;
	/* Of the pool's services, which have the same past, one; of the other, one. */
	assert_int_equal(generation(), 2);
	now += SETTLE_S / 2;
	assert_int_equal(generation(), 0);
}

static void equal_rings_are_stored_once(void **state)
{
	const struct weir_service *rows;

	(void)state;
	start();
	/* All three have backends of the same names and weights. */
	assert_int_equal(generation(), 1);
	rows = IMAGE_AT(image, image->services_offset, struct weir_service);
	assert_int_equal(rows[0].ring, rows[1].ring);
	assert_int_equal(rows[0].ring, rows[2].ring);
	assert_int_equal(rows[0].backends_offset, rows[1].backends_offset);
	assert_int_not_equal(rows[0].backends_offset, rows[2].backends_offset);
}

static void a_ring_settles_with_the_first_change_past_its_pins(void **state)
{
	const struct weir_service *rows;

	(void)state;
	start();
	generation();
	members[0].is_drained = true;
	generation();
	now += 2 * SETTLE_S + WEIR_PIN_GRACE_S; /* the last second of a pin */
	assert_int_equal(generation(), 0);
	now++;
	generation();
	rows = IMAGE_AT(image, image->services_offset, struct weir_service);
	assert_int_equal(rows[0].flags & WEIR_SERVICE_UNSETTLED, 0);
}

/* The datapath saw a pin later than the image knew. */
static void what_the_datapath_saw_keeps_a_ring_from_settling(void **state)
{
	const struct weir_service *rows;

	(void)state;
	start();
	generation();
	members[0].is_drained = true;
	generation();
	rows = IMAGE_AT(image, image->services_offset, struct weir_service);
	settle[rows[0].id].pins_until_s = now + 1000;
	plain[0].pins_until = now + 1000;
	now += 900;
	generation();
	rows = IMAGE_AT(image, image->services_offset, struct weir_service);
	assert_int_equal(rows[0].flags & WEIR_SERVICE_UNSETTLED, WEIR_SERVICE_UNSETTLED);
	assert_int_equal(rows[1].flags & WEIR_SERVICE_UNSETTLED, 0);
}

static void with_every_backend_drained_flows_still_go_where_they_were(void **state)
{
	const struct weir_service *rows;

	(void)state;
	start();
	generation();
	for (int i = 0; i < NAMES; i++)
		members[i].is_drained = true;
	generation();
	rows = IMAGE_AT(image, image->services_offset, struct weir_service);
	for (int i = 0; i < WEIR_RING_SLOTS; i++) {
		const struct weir_slot *slot = &map[rows[0].ring].slot[i];

		assert_int_equal(slot->current, WEIR_NO_BACKEND | WEIR_SLOT_MOVED);
		assert_true(slot->base < 4);
	}
}

static int stop(void **state)
{
	(void)state;
	model_free(&model);
	free(image);
	image = NULL;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_changes_give_what_the_plain_model_says),
		cmocka_unit_test(a_service_that_did_not_change_keeps_its_ring),
		cmocka_unit_test(equal_rings_are_stored_once),
		cmocka_unit_test(a_ring_settles_with_the_first_change_past_its_pins),
		cmocka_unit_test(what_the_datapath_saw_keeps_a_ring_from_settling),
		cmocka_unit_test(with_every_backend_drained_flows_still_go_where_they_were),
	};

	random_start();
	return WEIR_RUN_GROUP(tests, NULL, stop);
}
