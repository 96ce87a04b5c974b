// SPDX-License-Identifier: GPL-2.0-or-later
#include "latency.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "counters.h"
#include "image.h"
#include "own.h"

const char *const direction_names[WEIR_DIR_COUNT] = {
#define X(sym, name, text) [WEIR_DIR_##sym] = name,
	WEIR_DIRECTIONS(X)
#undef X
};

static const struct {
	const char *name, *text;
} kinds[WEIR_RTT_COUNT] = {
#define X(sym, name, text) [WEIR_RTT_##sym] = { name, text },
	WEIR_RTT_KINDS(X)
#undef X
};

static const char *const backend_kinds[WEIR_BACKEND_HIST_COUNT] = {
#define X(sym, name) [WEIR_BACKEND_HIST_##sym] = name,
	WEIR_BACKEND_HISTS(X)
#undef X
};

bool latency_is_kind(const char *kind, struct failure *why)
{
	const char *names[WEIR_RTT_COUNT + WEIR_BACKEND_HIST_COUNT + 1] = {};
	char all[160] = "";
	const char *near;
	size_t count = 0;

	for (int i = 0; i < WEIR_BACKEND_HIST_COUNT; i++)
		names[count++] = backend_kinds[i];
	for (int i = 0; i < WEIR_RTT_COUNT; i++) {
		if (strcmp(kinds[i].name, "response") != 0)
			names[count++] = kinds[i].name;
	}
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(names[i], kind))
			return true;
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", i ? ", " : "",
			 names[i]);
	}
	near = diag_suggest(kind, names);
	fail(why, EXIT_USAGE, "there is no kind of sample \"%s\"; %s%s%s%s", kind,
	     near ? "did you mean \"" : "kinds are ", near ? near : all, near ? "\"?" : "",
	     near ? "" : "; \"rtt\" is of backends");
	return false;
}

bool latency_is_round_trip(const struct latency_row *r)
{
	return *r->kind && strcmp(r->kind, kinds[WEIR_RTT_DNS].name) != 0 &&
	       strcmp(r->kind, kinds[WEIR_RTT_RESPONSE].name) != 0;
}

bool latency_is_of_the_network(const struct latency_row *r)
{
	return latency_is_round_trip(r) && !strcmp(r->part, direction_names[WEIR_DIR_WIRE]) &&
	       strcmp(r->kind, kinds[WEIR_RTT_ACK].name) != 0;
}

bool measured_next(const struct applied *a, struct measured *m)
{
	const struct weir_image *image = a->state.image;
	const struct weir_device *rows = IMAGE_AT(image, image->devices_offset, struct weir_device);

	for (; m->slot < image->devices_count; m->slot++) {
		if (rows[m->slot].ifindex && rows[m->slot].stages & 1 << WEIR_STAGE_MEASURE &&
		    if_indextoname(rows[m->slot].ifindex, m->name))
			return true;
	}
	return false;
}

static bool is_wanted(const char *wanted, const char *name)
{
	return !wanted || !strcmp(wanted, name);
}

static void each_kind(const struct applied *a, const struct latency_wanted *w,
		      const struct measured *m, enum weir_direction d, latency_fn each, void *arg)
{
	struct latency_row r = { .of = LATENCY_INTERFACE,
				 .group = "interface",
				 .name = m->name,
				 .part = direction_names[d] };
	size_t shown = 0;

	for (__u32 k = 0; k < WEIR_RTT_COUNT; k++) {
		if (!is_wanted(w->kind, kinds[k].name))
			continue;
		hist_read(a->state.maps.fd[WEIR_MAP_HISTS], weir_hist_of_device(m->slot, d, k),
			  &r.hist);
		if (!r.hist.count && !w->kind)
			continue;
		r.kind = kinds[k].name;
		r.text = kinds[k].text;
		each(arg, &r);
		shown++;
	}
	if (shown || w->kind)
		return;
	r.kind = r.text = "";
	r.hist = (struct hist){};
	each(arg, &r);
}

size_t latency_interfaces(const struct applied *a, const struct latency_wanted *w, latency_fn each,
			  void *arg)
{
	struct measured m = {};
	size_t found = 0;

	for (; measured_next(a, &m); m.slot++) {
		if (!is_wanted(w->only, m.name))
			continue;
		found++;
		for (int d = 0; d < WEIR_DIR_COUNT; d++)
			each_kind(a, w, &m, d, each, arg);
	}
	return found;
}

struct group {
	const struct applied *applied;
	const struct latency_wanted *wanted;
	const struct backend_group *of;
	const struct weir_backend *counted; /* its backends in the image */
};

static void read_backend(const struct group *g, size_t backend, int which, struct hist *out)
{
	__u32 base = weir_hist_backend_base(g->applied->state.capacity.devices);

	hist_read(g->applied->state.maps.fd[WEIR_MAP_HISTS],
		  weir_hist_of_backend(base, g->counted[backend].id, which), out);
}

/* @backend is past the last one for the sum of all. */
static void show_backend_row(const struct group *g, size_t backend, latency_fn each, void *arg)
{
	bool is_sum = backend == g->of->backends_count;
	struct latency_row r = { .of = is_sum ? LATENCY_SERVICE : LATENCY_BACKEND,
				 .group = g->of->is_pool ? "pool" : "service",
				 .name = g->of->name,
				 .part = is_sum ? "" : g->of->backends[backend].name,
				 .text = "" };

	for (int k = 0; k < WEIR_BACKEND_HIST_COUNT; k++) {
		if (!is_wanted(g->wanted->kind, backend_kinds[k]))
			continue;
		r.kind = backend_kinds[k];
		r.hist = (struct hist){};
		for (size_t b = is_sum ? 0 : backend; b < g->of->backends_count; b++) {
			struct hist one;

			read_backend(g, b, k, &one);
			hist_add(&r.hist, &one);
			if (!is_sum)
				break;
		}
		if (r.hist.count || g->wanted->kind || k == WEIR_BACKEND_HIST_RTT)
			each(arg, &r);
	}
}

static size_t show_group(const struct group *g, latency_fn each, void *arg)
{
	const char *only = g->wanted->only;
	size_t found = 0;

	if (is_wanted(only, g->of->name)) {
		show_backend_row(g, g->of->backends_count, each, arg);
		found++;
	}
	for (size_t b = 0; b < g->of->backends_count; b++) {
		if (!is_wanted(only, g->of->name) && !is_wanted(only, g->of->backends[b].name))
			continue;
		show_backend_row(g, b, each, arg);
		found++;
	}
	return found;
}

size_t latency_services(const struct applied *a, const struct latency_wanted *w, latency_fn each,
			void *arg)
{
	const struct weir_image *image = a->state.image;
	const struct weir_backend *counted =
		IMAGE_AT(image, image->backends_offset, struct weir_backend);
	size_t found = 0;

	for (size_t i = 0; i < model_groups_count(&a->model); i++) {
		const struct backend_group group = model_group(&a->model, i);
		const struct group g = { a, w, &group, counted };

		counted += group.backends_count;
		if (group.backends_count)
			found += show_group(&g, each, arg);
	}
	return found;
}

struct place {
	__u32 set, way;
	__u64 count;
};

static __u64 samples_of(const struct weir_hist *h)
{
	__u64 count = 0;

	for (unsigned int i = 0; i < WEIR_HIST_BUCKETS; i++)
		count += h->bucket[i];
	return count;
}

static int by_count(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return x->count < y->count ? 1 : x->count > y->count ? -1 : 0;
}

/* "192.0.2.0/24" */
static const char *prefix_name(const struct model *m, const __u8 addr[16], char *buf)
{
	bool is_v4 = addr_is_v4(addr);
	char text[64];

	snprintf(buf, PREFIX_TEXT_BYTES, "%s/%u", addr_text(addr, text, sizeof(text)),
		 is_v4 ? m->latency.v4_bits : m->latency.v6_bits);
	return buf;
}

/* The first @bits of @addr, in [0, 128]. */
static void keep_bits(__u8 addr[16], unsigned int bits)
{
	for (unsigned int i = 0; i < 16; i++) {
		unsigned int kept = bits > 8 * i ? bits - 8 * i : 0;

		addr[i] &= kept < 8 ? (__u8)(0xff00 >> kept) : 0xff;
	}
}

const char *latency_prefix_name(const struct model *m, const char *text,
				char buf[PREFIX_TEXT_BYTES])
{
	char plain[PREFIX_TEXT_BYTES], *slash;
	__u8 addr[16] = { [10] = 0xff, [11] = 0xff };

	if (snprintf(plain, sizeof(plain), "%s", text) >= (int)sizeof(plain))
		return NULL;
	slash = strchr(plain, '/');
	if (slash)
		*slash = 0;
	if (inet_pton(AF_INET, plain, addr + 12) != 1 && inet_pton(AF_INET6, plain, addr) != 1)
		return NULL;
	keep_bits(addr, addr_is_v4(addr) ? 96U + m->latency.v4_bits : m->latency.v6_bits);
	prefix_name(m, addr, buf);
	/* Of another length it is another prefix. */
	return slash && strcmp(strchr(buf, '/') + 1, slash + 1) != 0 ? NULL : buf;
}

int latency_prefixes_each(const struct applied *a, const char *only, latency_fn each, void *arg)
{
	OWN_FREE struct weir_prefix_set *set = malloc(sizeof(*set));
	__u32 sets = a->state.capacity.prefix_sets;
	OWN_FREE struct place *places = calloc(sets, WEIR_PREFIX_WAYS * sizeof(*places));
	int map = a->state.maps.fd[WEIR_MAP_PREFIXES], count = 0, shown = 0;

	if (!set || !places)
		return -ENOMEM;
	for (__u32 i = 0; i < sets; i++) {
		if (bpf_map_lookup_elem(map, &i, set))
			continue;
		for (__u32 w = 0; w < WEIR_PREFIX_WAYS; w++) {
			if (set->way[w].in_use)
				places[count++] = (struct place){ i, w, samples_of(&set->hist[w]) };
		}
	}
	qsort(places, count, sizeof(*places), by_count);
	for (int i = 0; i < count; i++) {
		char name[PREFIX_TEXT_BYTES];
		struct latency_row r = { .of = LATENCY_PREFIX,
					 .group = "prefix",
					 .name = name,
					 .part = "",
					 .kind = "rtt",
					 .text = "" };

		if (bpf_map_lookup_elem(map, &places[i].set, set))
			continue;
		prefix_name(&a->model, set->way[places[i].way].addr, name);
		if (!is_wanted(only, name))
			continue;
		hist_sum(&set->hist[places[i].way], 1, &r.hist);
		each(arg, &r);
		shown++;
	}
	return shown;
}
