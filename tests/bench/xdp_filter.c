// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xdp-filter of xdp-tools, where it is installed: its program, loaded from its
 * object file, over the same addresses and packets as weir's sets.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <glob.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "addresses.h"
#include "bench_case.h"
#include "own.h"

/* Of xdp-filter's maps: a match as the source of a packet. */
#define XDP_FILTER_SOURCE 1
/* What it holds at most. */
#define XDP_FILTER_MAX 10000

/* Where distributions have it; freed by the caller, NULL where there is none. */
static char *xdp_filter_path(void)
{
	glob_t found = {};
	char *path = NULL;

	glob("/usr/lib/bpf/xdpfilt_alw_ip.o", 0, NULL, &found);
	glob("/usr/lib/*/bpf/xdpfilt_alw_ip.o", GLOB_APPEND, NULL, &found);
	glob("/usr/lib64/bpf/xdpfilt_alw_ip.o", GLOB_APPEND, NULL, &found);
	if (found.gl_pathc)
		path = strdup(found.gl_pathv[0]);
	globfree(&found);
	return path;
}

/* In maps of its own, which it would pin. Returns NULL where it does not load. */
static struct bpf_object *xdp_filter_load(const char *path)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_map *map;

	if (!object)
		return NULL;
	bpf_object__for_each_map(map, object) bpf_map__set_pin_path(map, NULL);
	if (!bpf_object__load(object))
		return object;
	bpf_object__close(object);
	return NULL;
}

static void xdp_filter_fill(struct bpf_object *object, const struct addresses *a)
{
	int map = bpf_object__find_map_fd_by_name(object, "filter_ipv4");
	int cpus = libbpf_num_possible_cpus();
	OWN_FREE __u64 *values = calloc((size_t)cpus, sizeof(*values));

	need(values && map >= 0, "xdp-filter has no map of IPv4 addresses");
	for (int i = 0; i < cpus; i++)
		values[i] = XDP_FILTER_SOURCE;
	for (__u32 i = 0; i < a->count; i++) {
		__be32 key = htonl((__u32)a->drawn[i].first);

		need(!bpf_map_update_elem(map, &key, values, BPF_ANY),
		     "xdp-filter takes no more addresses");
	}
}

static void xdp_filter_verify(struct bench_case *c, const struct addresses *a)
{
	for (__u32 i = 0; i < 256; i++) {
		bool drops = addresses_hold4(a, &c->driver.trace4->header[i]);
		__u32 verdict;

		driver_seek(&c->driver, i);
		driver_run(&c->driver, 0, 1, &verdict);
		need(verdict == (drops ? XDP_DROP : XDP_PASS), "xdp-filter does what is not known");
	}
}

void xdp_filter_set(__u32 count)
{
	static bool is_noted;
	OWN_FREE char *path = xdp_filter_path();
	struct bpf_object *object;
	struct bench_case *c;
	struct addresses a = {};

	if (!path) {
		if (!is_noted)
			case_note("xdp-filter: not installed (package xdp-tools)\n");
		is_noted = true;
		return;
	}
	need(count <= XDP_FILTER_MAX, "xdp-filter holds less");
	c = case_add("xdp-filter IPv4 %u addresses", count);
	if (!c)
		return;
	object = xdp_filter_load(path);
	need(object != NULL, "xdp-filter's program does not load");
	driver_open(&c->driver, DRIVER_XDP4, DRIVER_PLAIN);
	case_seed("addresses", count);
	addresses_make(&a, count, 4, SET_EXACT);
	addresses_trace4(&a, c->driver.trace4);
	xdp_filter_fill(object, &a);
	c->program = bpf_program__fd(bpf_object__next_program(object, NULL));
	driver_point_at(&c->driver, c->program);
	xdp_filter_verify(c, &a);
	addresses_free(&a);
}
