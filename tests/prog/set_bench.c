// SPDX-License-Identifier: GPL-2.0-or-later
#include "set_bench.h"

#include <bpf/bpf.h>
#include <string.h>
#include <sys/mman.h>

#include "set_lookup.skel.h"

#include "../unit/random.h"

/* Passes over the keys in one run. */
#define PASSES 4

void set_bench_start(struct set_bench *b, __u32 sets_bytes)
{
	struct failure why = {};

	*b = (struct set_bench){
		.maps = { .fd = { [0 ... WEIR_MAP_COUNT - 1] = -1 } },
		.capacity = { .image_bytes = 1 << 20,
			      .devices = 1,
			      .rules = 1,
			      .backends = 1,
			      .flow_sets = 1,
			      .limit_sets = 1,
			      .conn_sets = 1,
			      .services = 1,
			      .rings = 1,
			      .pin_sets = 1,
			      .nat_sets = 1,
			      .nat_flows = 1,
			      .log_bytes = 4096,
			      .path_sets = 1,
			      .path_pairs = 1,
			      .slow_bytes = 4096,
			      .drops = 1,
			      .retransmit_sets = 1,
			      .process_sets = 1,
			      .counting_cpus = 1,
			      .hists = 1,
			      .stamp_sets = 1,
			      .losses = 1,
			      .prefix_sets = 1,
			      .sets_bytes = sets_bytes },
	};
	random_start();
	assert_int_equal(maps_create(&b->capacity, &b->maps, &why), 0);
	assert_int_equal(arena_open(&b->arena, &b->maps, &b->capacity, &why), 0);
	b->skel = set_lookup__open();
	assert_non_null(b->skel);
	b->skel->rodata_weir->weir.sets_mask = sets_bytes - 1;
	b->skel->rodata_weir->weir.device = 3;
	b->skel->bss->slot = SET_BENCH_SLOT;
	assert_int_equal(bpf_map__reuse_fd(b->skel->maps.weir_sets, b->maps.fd[WEIR_MAP_SETS]), 0);
	assert_int_equal(set_lookup__load(b->skel), 0);
	b->keys = mmap(NULL, SET_BENCH_KEYS * sizeof(*b->keys), PROT_READ | PROT_WRITE, MAP_SHARED,
		       bpf_map__fd(b->skel->maps.set_keys), 0);
	assert_true(b->keys != MAP_FAILED);
}

void set_bench_stop(struct set_bench *b)
{
	munmap(b->keys, SET_BENCH_KEYS * sizeof(*b->keys));
	set_lookup__destroy(b->skel);
	arena_close(&b->arena);
	maps_close(&b->maps);
}

__u32 set_bench_put(struct set_bench *b, enum set_type type, struct set_elements *elements)
{
	const struct set_device device = { .name = "dev3", .slot = 3 };
	const struct set_spec spec = { .name = "under-test",
				       .type = type,
				       .elements = elements,
				       .devices = &device,
				       .devices_count = 1 };
	struct weir_set *set = NULL;
	__u32 bytes;

	set_elements_normalise(elements);
	assert_int_equal(set_build(&spec, &set), 0);
	assert_int_equal(arena_put(&b->arena, SET_BENCH_SLOT, set), 0);
	bytes = set->bytes;
	free(set);
	return bytes;
}

static void clear_below(__u64 *hi, __u64 *lo, __u32 bits)
{
	if (bits <= 64) {
		*lo = 0;
		*hi &= bits ? ~0ULL << (64 - bits) : 0;
	} else if (bits < 128) {
		*lo &= ~0ULL << (128 - bits);
	}
}

static struct set_element random_element(enum set_type type, bool is_v6)
{
	struct set_element e = { .hi = random_u64(), .lo = random_u64(), .is_v6 = is_v6 };

	clear_below(&e.hi, &e.lo, is_v6 ? 128 : 32);
	if (type == SET_ADDRESS_PORT)
		e.detail = random_below(65536);
	if (type != SET_PREFIX) {
		e.detail |= is_v6 ? WEIR_SET_V6 : 0;
		return e;
	}
	if (random_below(2))
		e.detail = is_v6 ? 48 : 24;
	else
		e.detail = is_v6 ? 20 + random_below(45) : 16 + random_below(17);
	clear_below(&e.hi, &e.lo, e.detail);
	return e;
}

void set_bench_random(struct set_elements *out, enum set_type type, bool is_v6, size_t count)
{
	while (out->count < count) {
		struct set_element e = random_element(type, is_v6);

		assert_int_equal(set_elements_add(out, &e), 0);
	}
	set_elements_normalise(out);
}

/* Any key that a packet can have that matches the element. */
static struct set_bench_key key_within(enum set_type type, const struct set_element *e)
{
	struct set_bench_key key = { .hi = e->hi, .lo = e->lo, .detail = e->detail };
	__u64 hi = random_u64(), lo = random_u64(), keep_hi, keep_lo;

	if (type != SET_PREFIX)
		return key;
	keep_hi = hi;
	keep_lo = lo;
	clear_below(&keep_hi, &keep_lo, e->detail);
	key.hi |= hi ^ keep_hi;
	key.lo |= lo ^ keep_lo;
	if (!e->is_v6)
		clear_below(&key.hi, &key.lo, 32);
	key.detail = e->is_v6 ? WEIR_SET_V6 : 0;
	return key;
}

void set_bench_members(struct set_bench *b, enum set_type type, const struct set_elements *from)
{
	for (size_t i = 0; i < SET_BENCH_KEYS; i++)
		b->keys[i] = key_within(type, &from->list[random_below((__u32)from->count)]);
}

void set_bench_strangers(struct set_bench *b, enum set_type type, bool is_v6)
{
	for (size_t i = 0; i < SET_BENCH_KEYS; i++) {
		struct set_element e = random_element(SET_ADDRESS_PORT, is_v6);

		if (type == SET_PREFIX)
			e.detail &= WEIR_SET_V6;
		b->keys[i] = (struct set_bench_key){ .hi = e.hi, .lo = e.lo, .detail = e.detail };
	}
}

static double run(const struct bpf_program *program)
{
	char packet[64] = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = sizeof(packet),
		    .repeat = 1);

	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(program), &opts), 0);
	assert_int_equal(opts.retval, 0);
	return opts.duration;
}

__u64 set_bench_look_up(struct set_bench *b)
{
	b->skel->bss->rounds = 1;
	run(b->skel->progs.set_of_keys);
	return b->skel->bss->found;
}

double set_bench_ns(struct set_bench *b, int rounds)
{
	double best = 0, best_empty = 0;

	b->skel->bss->rounds = PASSES;
	for (int i = 0; i < rounds; i++) {
		double empty = run(b->skel->progs.set_of_none);
		double ns = run(b->skel->progs.set_of_keys);

		best = i && best < ns ? best : ns;
		best_empty = i && best_empty < empty ? best_empty : empty;
	}
	return (best - best_empty) / PASSES / SET_BENCH_KEYS;
}
