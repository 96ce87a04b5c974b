// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Creating maps, reading their sizes, and filling and swapping images.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "counters.h"
#include "own.h"
#include "state.h"
#include "weir/conn.h"
#include "weir/cpu.h"
#include "weir/balance.h"
#include "weir/latency.h"
#include "weir/limit.h"
#include "weir/nat.h"
#include "weir/path.h"
#include "weir/pmtu.h"
#include "weir/reason.h"
#include "weir/set.h"

const char *const map_names[WEIR_MAP_COUNT] = {
#define X(sym, name) [WEIR_MAP_##sym] = name,
	WEIR_MAPS(X)
#undef X
};

__u32 map_id(int fd)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.id;
}

static int entries_of(int fd, __u32 *entries, __u32 *value_bytes)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return -errno;
	*entries = info.max_entries;
	*value_bytes = info.value_size;
	return 0;
}

static int image_room(int outer, __u32 *bytes)
{
	OWN_FD int inner = -1;
	__u32 zero = 0, id, entries;
	int error;

	if (bpf_map_lookup_elem(outer, &zero, &id))
		return -errno;
	inner = bpf_map_get_fd_by_id(id);
	if (inner < 0)
		return inner;
	error = entries_of(inner, &entries, bytes);
	*bytes -= WEIR_IMAGE_PAD;
	return error;
}

int maps_capacity(const struct maps *m, struct capacity *c, struct failure *why)
{
	__u32 value = 0, reasons = 0, sets = 0, limits = 0;
	struct capacity read = {};

	if (entries_of(m->fd[WEIR_MAP_REASONS], &reasons, &value) ||
	    entries_of(m->fd[WEIR_MAP_RULES], &read.rules, &value) ||
	    entries_of(m->fd[WEIR_MAP_BACKENDS], &read.backends, &value) ||
	    entries_of(m->fd[WEIR_MAP_FLOWS], &read.flow_sets, &value) ||
	    entries_of(m->fd[WEIR_MAP_STAMPS], &read.stamp_sets, &value) ||
	    entries_of(m->fd[WEIR_MAP_HISTS], &read.hists, &value) ||
	    entries_of(m->fd[WEIR_MAP_LOSSES], &read.losses, &value) ||
	    entries_of(m->fd[WEIR_MAP_PREFIXES], &read.prefix_sets, &value) ||
	    entries_of(m->fd[WEIR_MAP_LIMITS], &limits, &value) ||
	    entries_of(m->fd[WEIR_MAP_CONNS], &read.conn_sets, &value) ||
	    entries_of(m->fd[WEIR_MAP_SERVICES], &read.services, &value) ||
	    entries_of(m->fd[WEIR_MAP_RINGS], &read.rings, &value) ||
	    entries_of(m->fd[WEIR_MAP_PINS], &read.pin_sets, &value) ||
	    entries_of(m->fd[WEIR_MAP_NAT], &read.nat_sets, &value) ||
	    entries_of(m->fd[WEIR_MAP_NAT_FLOWS], &read.nat_flows, &value) ||
	    entries_of(m->fd[WEIR_MAP_LOG], &read.log_bytes, &value) ||
	    entries_of(m->fd[WEIR_MAP_PATHS], &read.path_sets, &value) ||
	    entries_of(m->fd[WEIR_MAP_PATH_HISTS], &read.path_pairs, &value) ||
	    entries_of(m->fd[WEIR_MAP_SLOW], &read.slow_bytes, &value) ||
	    entries_of(m->fd[WEIR_MAP_DROPS], &read.drops, &value) ||
	    entries_of(m->fd[WEIR_MAP_RETRANSMITS], &read.retransmit_sets, &value) ||
	    entries_of(m->fd[WEIR_MAP_PROCESSES], &read.process_sets, &value) ||
	    entries_of(m->fd[WEIR_MAP_SETS], &sets, &read.sets_bytes))
		return fail_errno(why, errno, "cannot read the sizes of the pinned maps");
	if (image_room(m->fd[WEIR_MAP_IMAGE], &read.image_bytes))
		return fail(
			why, EXIT_CONFLICT,
			"the pinned maps hold no image; \"weir detach --all\" clears them away");
	read.counting_cpus = counters_cpus();
	read.rules /= read.counting_cpus;
	read.backends /= read.counting_cpus;
	read.services /= read.counting_cpus;
	read.devices = reasons / WEIR_R_COUNT / read.counting_cpus;
	read.sets_bytes -= WEIR_SETS_PAD;
	read.limit_base = limits > 1 ? read.rules : 0;
	read.limit_sets = limits - read.limit_base;
	*c = read;
	return 0;
}

static int create_with(enum weir_map map, enum bpf_map_type type, __u32 value, __u32 entries,
		       const struct bpf_map_create_opts *opts, struct maps *m, struct failure *why)
{
	m->fd[map] = bpf_map_create(type, map_names[map], sizeof(__u32), value, entries, opts);
	if (m->fd[map] < 0)
		return fail_errno(why, m->fd[map], "cannot create the map %s of %u entries",
				  map_names[map], entries);
	return 0;
}

static int create(enum weir_map map, enum bpf_map_type type, __u32 value, __u32 entries,
		  __u32 inner, struct maps *m, struct failure *why)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .inner_map_fd = inner);

	return create_with(map, type, value, entries, &opts, m, why);
}

/* @each for every CPU that counts by itself. Mappable, or they would not begin at a cache line. */
static int create_counters(enum weir_map map, __u32 value, __u32 each, const struct capacity *c,
			   struct maps *m, struct failure *why)
{
	LIBBPF_OPTS(bpf_map_create_opts, mappable, .map_flags = BPF_F_MMAPABLE);
	__u32 entries;

	if (__builtin_mul_overflow(each, c->counting_cpus, &entries))
		return fail(why, EXIT_REFUSED, "%u counters for each of %u CPUs are too many in %s",
			    each, c->counting_cpus, map_names[map]);
	return create_with(map, BPF_MAP_TYPE_ARRAY, value, entries, &mappable, m, why);
}

/* An array of one mappable value, big enough for images of @bytes. */
static int create_image(__u32 bytes, struct failure *why)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "weir_generation", sizeof(__u32),
				bytes + WEIR_IMAGE_PAD, 1, &opts);

	if (fd < 0)
		return fail_errno(why, fd, "cannot create an image of %u KiB", bytes / 1024);
	return fd;
}

static int create_sets(__u32 bytes, struct maps *m, struct failure *why)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, map_names[WEIR_MAP_SETS], sizeof(__u32),
				bytes + WEIR_SETS_PAD, 1, &opts);

	if (fd < 0)
		return fail_errno(why, fd, "cannot create %u KiB of memory for sets", bytes / 1024);
	m->fd[WEIR_MAP_SETS] = fd;
	return 0;
}

static int create_ring_buffer(enum weir_map map, __u32 bytes, struct maps *m, struct failure *why)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, map_names[map], 0, 0, bytes, NULL);

	if (fd < 0)
		return fail_errno(why, fd, "cannot create a ring buffer of %u KiB", bytes / 1024);
	m->fd[map] = fd;
	return 0;
}

static int create_keyed(enum weir_map map, enum bpf_map_type type, __u32 key, __u32 value,
			__u32 entries, struct maps *m, struct failure *why)
{
	m->fd[map] = bpf_map_create(type, map_names[map], key, value, entries, NULL);
	if (m->fd[map] < 0)
		return fail_errno(why, m->fd[map], "cannot create the map %s of %u entries",
				  map_names[map], entries);
	return 0;
}

/* What hooks in the stack record; weir/path.h. */
static int create_for_path(const struct capacity *c, struct maps *m, struct failure *why)
{
	LIBBPF_OPTS(bpf_map_create_opts, mappable, .map_flags = BPF_F_MMAPABLE);
	const enum bpf_map_type array = BPF_MAP_TYPE_ARRAY;

	if (create_with(WEIR_MAP_PATHS, array, sizeof(struct weir_path_set), c->path_sets,
			&mappable, m, why) ||
	    create_keyed(WEIR_MAP_PATH_HISTS, BPF_MAP_TYPE_HASH, sizeof(struct weir_path_pair),
			 sizeof(struct weir_hist), c->path_pairs, m, why) ||
	    create(WEIR_MAP_PATH_CPU, BPF_MAP_TYPE_PERCPU_ARRAY, sizeof(struct weir_path_cpu), 1, 0,
		   m, why) ||
	    create_ring_buffer(WEIR_MAP_SLOW, c->slow_bytes, m, why) ||
	    create(WEIR_MAP_SLOW_ASK, array, sizeof(struct weir_slow_ask), 1, 0, m, why))
		return -1;
	if (create_keyed(WEIR_MAP_DROPS, BPF_MAP_TYPE_PERCPU_HASH, sizeof(struct weir_drop_key),
			 sizeof(struct weir_drop), c->drops, m, why) ||
	    create(WEIR_MAP_RETRANSMITS, array, sizeof(struct weir_retransmit_set),
		   c->retransmit_sets, 0, m, why))
		return -1;
	return create(WEIR_MAP_PROCESSES, array, sizeof(struct weir_process_set), c->process_sets,
		      0, m, why);
}

/* What services need beside the image. */
static int create_for_services(const struct capacity *c, struct maps *m, struct failure *why)
{
	LIBBPF_OPTS(bpf_map_create_opts, mappable, .map_flags = BPF_F_MMAPABLE);
	const enum bpf_map_type array = BPF_MAP_TYPE_ARRAY;

	if (create_counters(WEIR_MAP_BACKENDS, sizeof(struct weir_counter), c->backends, c, m,
			    why) ||
	    create_counters(WEIR_MAP_SERVICES, sizeof(struct weir_counter), c->services, c, m, why))
		return -1;
	/* Mappable values begin at a page: a set of pins is one cache line then, and not two. */
	if (create_with(WEIR_MAP_PINS, array, sizeof(struct weir_pin_set), c->pin_sets, &mappable,
			m, why))
		return -1;
	if (create_with(WEIR_MAP_NAT, array, sizeof(struct weir_nat_set), c->nat_sets, &mappable, m,
			why) ||
	    create_with(WEIR_MAP_NAT_FLOWS, array, sizeof(struct weir_nat_flow), c->nat_flows,
			&mappable, m, why))
		return -1;
	if (create_with(WEIR_MAP_PMTU, array, sizeof(struct weir_pmtu), WEIR_PMTU_SLOTS, &mappable,
			m, why))
		return -1;
	if (create_with(WEIR_MAP_SETTLE, array, sizeof(struct weir_settle), c->services, &mappable,
			m, why))
		return -1;
	return create_with(WEIR_MAP_RINGS, array, sizeof(struct weir_ring), c->rings, &mappable, m,
			   why);
}

/* What the actions of rules need. */
static int create_for_actions(const struct capacity *c, struct maps *m, struct failure *why)
{
	LIBBPF_OPTS(bpf_map_create_opts, mappable, .map_flags = BPF_F_MMAPABLE);

	/* Mappable for the sake of cache lines, as pins are. */
	if (create_with(WEIR_MAP_LIMITS, BPF_MAP_TYPE_ARRAY, sizeof(struct weir_bucket_set),
			c->limit_base + c->limit_sets, &mappable, m, why) ||
	    create_with(WEIR_MAP_CONNS, BPF_MAP_TYPE_ARRAY, sizeof(struct weir_conn_set),
			c->conn_sets, &mappable, m, why) ||
	    create(WEIR_MAP_CPU, BPF_MAP_TYPE_PERCPU_ARRAY, sizeof(struct weir_cpu), 1, 0, m, why))
		return -1;
	return create_ring_buffer(WEIR_MAP_LOG, c->log_bytes, m, why);
}

static __u32 heat_columns(const struct capacity *c)
{
	return c->losses > 1 ? c->losses * WEIR_HEAT_COLUMNS : 1;
}

static int create_for_timing(const struct capacity *c, struct maps *m, struct failure *why)
{
	LIBBPF_OPTS(bpf_map_create_opts, mappable, .map_flags = BPF_F_MMAPABLE);
	const enum bpf_map_type array = BPF_MAP_TYPE_ARRAY, per_cpu = BPF_MAP_TYPE_PERCPU_ARRAY;

	/* Mappable values begin at a page: no record straddles cache lines that it need not. */
	if (create_with(WEIR_MAP_FLOWS, array, sizeof(struct weir_flow_set), c->flow_sets,
			&mappable, m, why) ||
	    create_with(WEIR_MAP_FLOW_RESTS, array, sizeof(struct weir_flow_rest_set), c->flow_sets,
			&mappable, m, why) ||
	    create_with(WEIR_MAP_STAMPS, array, sizeof(struct weir_stamp_set), c->stamp_sets,
			&mappable, m, why))
		return -1;
	if (create(WEIR_MAP_HISTS, per_cpu, sizeof(struct weir_hist), c->hists, 0, m, why) ||
	    create(WEIR_MAP_LOSSES, per_cpu, sizeof(struct weir_loss), c->losses, 0, m, why) ||
	    create(WEIR_MAP_HEAT_NOW, per_cpu, sizeof(struct weir_heat_column), c->losses, 0, m,
		   why) ||
	    create(WEIR_MAP_HEAT, array, sizeof(struct weir_heat_column), heat_columns(c), 0, m,
		   why))
		return -1;
	return create(WEIR_MAP_PREFIXES, array, sizeof(struct weir_prefix_set), c->prefix_sets, 0,
		      m, why);
}

int maps_create(const struct capacity *c, struct maps *m, struct failure *why)
{
	OWN_FD int template = create_image(c->image_bytes, why);

	if (template <0)
		return -1;
	if (create(WEIR_MAP_IMAGE, BPF_MAP_TYPE_ARRAY_OF_MAPS, sizeof(__u32), 1, template, m,
		   why) ||
	    create_counters(WEIR_MAP_REASONS, sizeof(struct weir_counter),
			    c->devices * WEIR_R_COUNT, c, m, why) ||
	    create_counters(WEIR_MAP_RULES, sizeof(struct weir_rule_counter), c->rules, c, m,
			    why) ||
	    create_for_timing(c, m, why) || create_sets(c->sets_bytes, m, why) ||
	    create_for_actions(c, m, why) || create_for_services(c, m, why) ||
	    create_for_path(c, m, why)) {
		maps_close(m);
		return -1;
	}
	return 0;
}

static int share(const struct maps *from, struct maps *to, enum weir_map map, struct failure *why)
{
	int fd = fcntl(from->fd[map], F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return fail_errno(why, errno, "cannot keep the map %s", map_names[map]);
	close(to->fd[map]);
	to->fd[map] = fd;
	return 0;
}

static int share_path(const struct maps *from, const struct capacity *was, struct maps *to,
		      const struct capacity *is, struct failure *why)
{
	if (was->path_sets == is->path_sets && share(from, to, WEIR_MAP_PATHS, why))
		return -1;
	if (was->path_pairs == is->path_pairs && share(from, to, WEIR_MAP_PATH_HISTS, why))
		return -1;
	if (was->slow_bytes == is->slow_bytes && share(from, to, WEIR_MAP_SLOW, why))
		return -1;
	if (was->drops == is->drops &&
	    (share(from, to, WEIR_MAP_DROPS, why) || share(from, to, WEIR_MAP_RETRANSMITS, why) ||
	     share(from, to, WEIR_MAP_PROCESSES, why)))
		return -1;
	return share(from, to, WEIR_MAP_PATH_CPU, why) || share(from, to, WEIR_MAP_SLOW_ASK, why)
		       ? -1
		       : 0;
}

int maps_share(const struct maps *from, const struct capacity *was, struct maps *to,
	       const struct capacity *is, struct failure *why)
{
	if (was->conn_sets == is->conn_sets && share(from, to, WEIR_MAP_CONNS, why))
		return -1;
	if (was->limit_base == is->limit_base && was->limit_sets == is->limit_sets &&
	    share(from, to, WEIR_MAP_LIMITS, why))
		return -1;
	if (was->services == is->services && share(from, to, WEIR_MAP_SETTLE, why))
		return -1;
	if (was->rings == is->rings && share(from, to, WEIR_MAP_RINGS, why))
		return -1;
	if (was->pin_sets == is->pin_sets && share(from, to, WEIR_MAP_PINS, why))
		return -1;
	if (was->nat_sets == is->nat_sets && was->nat_flows == is->nat_flows &&
	    (share(from, to, WEIR_MAP_NAT, why) || share(from, to, WEIR_MAP_NAT_FLOWS, why)))
		return -1;
	if (was->losses == is->losses &&
	    (share(from, to, WEIR_MAP_HEAT, why) || share(from, to, WEIR_MAP_HEAT_NOW, why)))
		return -1;
	if (was->prefix_sets == is->prefix_sets && share(from, to, WEIR_MAP_PREFIXES, why))
		return -1;
	if (was->log_bytes == is->log_bytes && share(from, to, WEIR_MAP_LOG, why))
		return -1;
	if (share_path(from, was, to, is, why))
		return -1;
	return share(from, to, WEIR_MAP_PMTU, why) || share(from, to, WEIR_MAP_CPU, why) ? -1 : 0;
}

void maps_close(struct maps *m)
{
	for (int i = 0; i < WEIR_MAP_COUNT; i++) {
		own_close(&m->fd[i]);
		m->fd[i] = -1;
	}
}

int maps_swap_image(const struct maps *m, const struct capacity *c, const struct weir_image *image,
		    __u32 bytes, struct failure *why)
{
	OWN_FD int inner = create_image(c->image_bytes, why);
	__u32 zero = 0;
	void *mapped;

	if (inner < 0)
		return -1;
	mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, inner, 0);
	if (mapped == MAP_FAILED)
		return fail_errno(why, errno, "cannot map a new image");
	memcpy(mapped, image, bytes);
	munmap(mapped, bytes);
	if (bpf_map_update_elem(m->fd[WEIR_MAP_IMAGE], &zero, &inner, BPF_ANY))
		return fail_errno(why, errno, "cannot swap the image");
	return 0;
}

int maps_reuse(struct bpf_object *object, const struct maps *maps)
{
	for (int i = 0; i < WEIR_MAP_COUNT; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(object, map_names[i]);
		int error = map ? bpf_map__reuse_fd(map, maps->fd[i]) : 0;

		if (error)
			return error;
	}
	return 0;
}
