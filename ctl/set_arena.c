// SPDX-License-Identifier: GPL-2.0-or-later
#include "set_arena.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "own.h"

/* How often a reader begins again because the set was replaced meanwhile. */
#define SNAPSHOT_TRIES 10

static struct weir_sets *directory(const struct arena *a)
{
	return (struct weir_sets *)a->mapped;
}

static __u64 load_place(const struct arena *a, __u32 slot)
{
	return __atomic_load_n(&directory(a)->place[slot], __ATOMIC_ACQUIRE);
}

static void store_place(struct arena *a, __u32 slot, __u64 place)
{
	__atomic_store_n(&directory(a)->place[slot], place, __ATOMIC_RELEASE);
}

static size_t first_byte(__u64 place)
{
	return (size_t)(__u32)place * WEIR_SETS_UNIT;
}

static size_t bytes_of(__u64 place)
{
	return (size_t)(place >> 32) * WEIR_SETS_UNIT;
}

static int open_arena(struct arena *a, const struct maps *m, const struct capacity *c, int protection,
		      struct failure *why)
{
	void *mapped = mmap(NULL, c->sets_bytes + WEIR_SETS_PAD, protection, MAP_SHARED,
			    m->fd[WEIR_MAP_SETS], 0);

	if (mapped == MAP_FAILED)
		return fail_errno(why, errno, "cannot map the sets");
	*a = (struct arena){ .mapped = mapped,
			     .bytes = c->sets_bytes,
			     .writable = protection & PROT_WRITE };
	return 0;
}

int arena_open(struct arena *a, const struct maps *m, const struct capacity *c, struct failure *why)
{
	return open_arena(a, m, c, PROT_READ | PROT_WRITE, why);
}

int arena_open_to_read(struct arena *a, const struct maps *m, const struct capacity *c,
		       struct failure *why)
{
	return open_arena(a, m, c, PROT_READ, why);
}

void arena_close(struct arena *a)
{
	if (a->mapped)
		munmap(a->mapped, a->bytes + WEIR_SETS_PAD);
	*a = (struct arena){};
}

size_t arena_used(const struct arena *a)
{
	size_t used = sizeof(struct weir_sets);

	for (__u32 i = 0; i < WEIR_MAX_SETS; i++)
		used += bytes_of(load_place(a, i));
	return used;
}

static bool is_inside(const struct arena *a, __u64 place)
{
	return first_byte(place) >= sizeof(struct weir_sets) &&
	       bytes_of(place) >= sizeof(struct weir_set) &&
	       first_byte(place) + bytes_of(place) <= a->bytes;
}

const struct weir_set *arena_set(const struct arena *a, __u32 slot)
{
	__u64 place = load_place(a, slot);
	const struct weir_set *set = (const struct weir_set *)(a->mapped + first_byte(place));

	if (!place || !is_inside(a, place) || set->bytes > bytes_of(place))
		return NULL;
	return set;
}

__u32 arena_find(const struct arena *a, const char *name)
{
	for (__u32 i = 0; i < WEIR_MAX_SETS; i++) {
		const struct weir_set *set = arena_set(a, i);

		if (set && !strncmp(set->name, name, sizeof(set->name)))
			return i;
	}
	return SET_NO_SLOT;
}

__u32 arena_free_slot(const struct arena *a)
{
	for (__u32 i = 0; i < WEIR_MAX_SETS; i++) {
		if (!load_place(a, i))
			return i;
	}
	return SET_NO_SLOT;
}

static int by_place(const void *a, const void *b)
{
	__u32 x = (__u32) * (const __u64 *)a, y = (__u32) * (const __u64 *)b;

	return x < y ? -1 : x > y;
}

/* The first gap of @bytes, or 0. */
static size_t find_gap(const struct arena *a, size_t bytes)
{
	__u64 places[WEIR_MAX_SETS];
	size_t at = sizeof(struct weir_sets);

	for (__u32 i = 0; i < WEIR_MAX_SETS; i++)
		places[i] = load_place(a, i);
	qsort(places, WEIR_MAX_SETS, sizeof(*places), by_place);
	for (__u32 i = 0; i < WEIR_MAX_SETS; i++) {
		if (!places[i] || !is_inside(a, places[i]))
			continue;
		if (first_byte(places[i]) >= at + bytes)
			return at;
		at = first_byte(places[i]) + bytes_of(places[i]);
	}
	return at + bytes <= a->bytes ? at : 0;
}

/* Where @bytes fit, as the directory says it; 0: nowhere. */
static __u64 find_place(const struct arena *a, __u32 bytes)
{
	__u64 units = ((__u64)bytes + WEIR_SETS_UNIT - 1) / WEIR_SETS_UNIT;
	size_t at = find_gap(a, units * WEIR_SETS_UNIT);

	return at ? units << 32 | at / WEIR_SETS_UNIT : 0;
}

int arena_reserve(struct arena *a, __u32 slot, __u32 bytes)
{
	__u64 place = find_place(a, bytes);

	if (!place)
		return -ENOSPC;
	store_place(a, slot, place);
	return 0;
}

int arena_put(struct arena *a, __u32 slot, const struct weir_set *set)
{
	__u64 place = find_place(a, set->bytes);

	if (!place)
		return -ENOSPC;
	memcpy(a->mapped + first_byte(place), set, set->bytes);
	store_place(a, slot, place);
	return 0;
}

void arena_take_out(struct arena *a, __u32 slot)
{
	store_place(a, slot, 0);
}

int arena_copy(const struct arena *from, struct arena *to)
{
	for (__u32 i = 0; i < WEIR_MAX_SETS; i++) {
		const struct weir_set *set = arena_set(from, i);

		if (set && arena_put(to, i, set))
			return -ENOSPC;
	}
	return 0;
}

/*
 * To write into a map of maps waits for all programs that run: Linux,
 * kernel/bpf/syscall.c, maybe_wait_bpf_programs(). The image stays the same.
 */
int arena_wait(const struct maps *m, struct failure *why)
{
	OWN_FD int inner = -1;
	__u32 zero = 0, id = 0;

	if (bpf_map_lookup_elem(m->fd[WEIR_MAP_IMAGE], &zero, &id))
		return errno == ENOENT ? 0
				       : fail_errno(why, errno, "cannot read the image in force");
	inner = bpf_map_get_fd_by_id(id);
	if (inner < 0 || bpf_map_update_elem(m->fd[WEIR_MAP_IMAGE], &zero, &inner, BPF_ANY))
		return fail_errno(why, errno, "cannot wait for packets on their way");
	return 0;
}

struct weir_set *arena_snapshot(const struct arena *a, __u32 slot, int *error)
{
	*error = 0;
	for (int i = 0; i < SNAPSHOT_TRIES; i++) {
		__u64 place = load_place(a, slot);
		OWN_FREE struct weir_set *copy = NULL;

		if (!place)
			return NULL;
		if (!is_inside(a, place))
			break;
		copy = malloc(bytes_of(place));
		if (!copy) {
			*error = -ENOMEM;
			return NULL;
		}
		memcpy(copy, a->mapped + first_byte(place), bytes_of(place));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (load_place(a, slot) == place && copy->bytes <= bytes_of(place))
			return TAKE_PTR(copy);
	}
	*error = -EAGAIN;
	return NULL;
}
