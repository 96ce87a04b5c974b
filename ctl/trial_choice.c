// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading struct choice out of weir_scratch. Where it lies there, the types
 * say that the kernel keeps of the map.
 */
#include "trial_choice.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "image.h"
#include "own.h"

#define SCRATCH "weir_scratch"
/* In the place of a slot or a reason that nobody wrote. */
#define UNWRITTEN (~0U)

/* Byte offsets into a CPU's value. */
struct scratch {
	int fd; /* owned */
	int cpus;
	size_t stride;
	__u32 service, backend, slot, why;
};

#define SCRATCH_NONE     \
	{                \
		.fd = -1 \
	}

static void own_scratch(struct scratch *s)
{
	own_close(&s->fd);
}

static void own_btf(struct btf **btf)
{
	btf__free(*btf);
}

/* The map that is called @name, of those that the program uses; or -errno. */
static int find_map(int program, const char *name, struct bpf_map_info *info)
{
	struct bpf_prog_info used = {};
	__u32 size = sizeof(used), count, map_size;
	OWN_FREE __u32 *ids = NULL;

	if (bpf_obj_get_info_by_fd(program, &used, &size))
		return -errno;
	count = used.nr_map_ids;
	ids = calloc(count + 1, sizeof(*ids));
	if (!ids)
		return -ENOMEM;
	used = (struct bpf_prog_info){ .nr_map_ids = count, .map_ids = (__u64)(unsigned long)ids };
	if (bpf_obj_get_info_by_fd(program, &used, &size))
		return -errno;
	for (__u32 i = 0; i < count; i++) {
		OWN_FD int fd = bpf_map_get_fd_by_id(ids[i]);

		map_size = sizeof(*info);
		*info = (struct bpf_map_info){};
		if (fd < 0 || bpf_obj_get_info_by_fd(fd, info, &map_size))
			return -errno;
		if (!strcmp(info->name, name))
			return TAKE_FD(fd);
	}
	return -ENOENT;
}

/* Go from a struct to its member @name; adds the member's place to @offset. NULL: there is none. */
static const struct btf_type *member(const struct btf *btf, const struct btf_type *type,
				     const char *name, __u32 *offset)
{
	if (!type || !btf_is_struct(type))
		return NULL;
	for (__u32 i = 0; i < btf_vlen(type); i++) {
		const struct btf_member *m = &btf_members(type)[i];

		if (strcmp(btf__name_by_offset(btf, m->name_off), name) != 0)
			continue;
		*offset += btf_member_bit_offset(type, i) / 8;
		return btf__type_by_id(btf, m->type);
	}
	return NULL;
}

static int find_members(struct scratch *s, const struct bpf_map_info *info)
{
	OWN(own_btf) struct btf *btf = btf__load_from_kernel_by_id(info->btf_id);
	const struct btf_type *choice;
	__u32 at = 0;

	if (!btf)
		return -errno;
	choice = member(btf, btf__type_by_id(btf, info->btf_value_type_id), "choice", &at);
	s->service = s->backend = s->slot = s->why = at;
	if (!member(btf, choice, "service_offset", &s->service) ||
	    !member(btf, choice, "backend_offset", &s->backend) ||
	    !member(btf, choice, "slot", &s->slot) || !member(btf, choice, "why", &s->why))
		return -ENOENT;
	return 0;
}

static int open_scratch(const struct trial *t, struct scratch *s, struct failure *why)
{
	struct bpf_map_info info = {};
	int error;

	s->fd = find_map(t->program, SCRATCH, &info);
	s->cpus = libbpf_num_possible_cpus();
	s->stride = (info.value_size + 7U) / 8 * 8;
	error = s->fd < 0 ? s->fd : s->cpus < 0 ? s->cpus : find_members(s, &info);
	if (error)
		return fail_errno(why, -error,
				  "%s: cannot find what the program chose in its map %s", t->ifname,
				  SCRATCH);
	return 0;
}

int trial_forget(const struct trial *t, struct failure *why)
{
	OWN(own_scratch) struct scratch s = SCRATCH_NONE;
	OWN_FREE char *values = NULL;
	__u32 zero = 0, unwritten = UNWRITTEN;

	if (open_scratch(t, &s, why))
		return -1;
	values = calloc(s.cpus, s.stride);
	if (!values)
		return fail_errno(why, ENOMEM, "cannot explain");
	for (int cpu = 0; cpu < s.cpus; cpu++) {
		memcpy(values + cpu * s.stride + s.slot, &unwritten, sizeof(unwritten));
		memcpy(values + cpu * s.stride + s.why, &unwritten, sizeof(unwritten));
	}
	if (bpf_map_update_elem(s.fd, &zero, values, BPF_ANY))
		return fail_errno(why, errno, "cannot write the map %s", SCRATCH);
	return 0;
}

/* As the program wrote them. Offsets are into the image; 0 is none. */
struct words {
	__u32 service, backend, slot, why;
};

static __u32 word_at(const char *value, __u32 offset)
{
	__u32 word;

	memcpy(&word, value + offset, sizeof(word));
	return word;
}

/* One CPU ran the one packet, so that no other has anything. */
static int read_words(const struct trial *t, struct words *out, struct failure *why)
{
	OWN(own_scratch) struct scratch s = SCRATCH_NONE;
	OWN_FREE char *values = NULL;
	__u32 zero = 0;

	if (open_scratch(t, &s, why))
		return -1;
	values = calloc(s.cpus, s.stride);
	if (!values)
		return fail_errno(why, ENOMEM, "cannot explain");
	if (bpf_map_lookup_elem(s.fd, &zero, values))
		return fail_errno(why, errno, "cannot read the map %s", SCRATCH);
	*out = (struct words){ .slot = UNWRITTEN, .why = UNWRITTEN };
	for (int cpu = 0; cpu < s.cpus; cpu++) {
		const char *value = values + cpu * s.stride;

		if (word_at(value, s.service))
			*out = (struct words){ .service = word_at(value, s.service),
					       .backend = word_at(value, s.backend),
					       .slot = word_at(value, s.slot),
					       .why = word_at(value, s.why) };
	}
	return 0;
}

struct mapped_image {
	const struct weir_image *image;
	size_t bytes;
};

static void own_image(const struct mapped_image *m)
{
	if (m->image)
		munmap((void *)m->image, m->bytes);
}

static int map_image(const struct trial *t, struct mapped_image *m)
{
	OWN_FD int inner = -1;
	__u32 zero = 0, id;
	void *mapped;

	if (bpf_map_lookup_elem(t->maps.fd[WEIR_MAP_IMAGE], &zero, &id))
		return -errno;
	inner = bpf_map_get_fd_by_id(id);
	if (inner < 0)
		return inner;
	m->bytes = t->capacity.image_bytes + WEIR_IMAGE_PAD;
	mapped = mmap(NULL, m->bytes, PROT_READ, MAP_SHARED, inner, 0);
	if (mapped == MAP_FAILED)
		return -errno;
	m->image = mapped;
	return 0;
}

static int read_slot(const struct trial *t, struct trial_choice *out)
{
	OWN_FREE struct weir_ring *ring = malloc(sizeof(*ring));

	if (!ring)
		return -ENOMEM;
	if (bpf_map_lookup_elem(t->maps.fd[WEIR_MAP_RINGS], &out->service.ring, ring))
		return -errno;
	out->ring = ring->slot[out->slot];
	return 0;
}

static void read_backend(const struct weir_image *image, const struct words *w,
			 struct trial_choice *out)
{
	__u32 place = w->backend - out->service.backends_offset;

	out->has_backend = w->backend && w->why < WEIR_WHY_COUNT &&
			   place < out->service.backends_count * sizeof(out->backend);
	if (!out->has_backend)
		return;
	out->backend_index = place / sizeof(out->backend);
	out->backend = *IMAGE_AT(image, w->backend, struct weir_backend);
	out->why = (enum weir_why)w->why;
}

int trial_choice(const struct trial *t, struct trial_choice *out, struct failure *why)
{
	OWN(own_image) struct mapped_image m = {};
	struct trial_choice found = {};
	struct words w = {};
	int error;

	if (read_words(t, &w, why))
		return -1;
	*out = found;
	if (!w.service)
		return 0;
	error = map_image(t, &m);
	if (!error) {
		found.has_service = true;
		found.service_index =
			(w.service - m.image->services_offset) / sizeof(struct weir_service);
		found.service = *IMAGE_AT(m.image, w.service, struct weir_service);
		found.has_slot = w.slot < WEIR_RING_SLOTS;
		found.slot = w.slot;
		read_backend(m.image, &w, &found);
		error = found.has_slot ? read_slot(t, &found) : 0;
	}
	if (error)
		return fail_errno(why, -error, "%s: cannot read what the program chose from",
				  t->ifname);
	*out = found;
	return 0;
}
