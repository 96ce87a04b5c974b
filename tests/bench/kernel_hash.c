// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A program that does nothing but look the source up in a hash table of the
 * kernel's, over the same addresses and packets as weir's sets.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <netinet/in.h>

#include "addresses.h"
#include "bench_case.h"
#include "kernel_hash.skel.h"

void kernel_hash_set(__u32 count)
{
	struct bench_case *c = case_add("kernel hash IPv4 %u addresses", count);
	const __u64 none = 0;
	struct kernel_hash *s;
	struct addresses a = {};

	if (!c)
		return;
	s = kernel_hash__open();
	need(s != NULL, "the program with a hash table does not open");
	bpf_map__set_max_entries(s->maps.addresses, count);
	need(!kernel_hash__load(s), "the program with a hash table does not load");
	driver_open(&c->driver, DRIVER_XDP4, DRIVER_PLAIN);
	case_seed("addresses", count);
	addresses_make(&a, count, 4, SET_EXACT);
	addresses_trace4(&a, c->driver.trace4);
	for (__u32 i = 0; i < count; i++) {
		__be32 key = htonl((__u32)a.drawn[i].first);

		need(!bpf_map_update_elem(bpf_map__fd(s->maps.addresses), &key, &none, BPF_ANY),
		     "the hash table takes no more addresses");
	}
	c->program = bpf_program__fd(s->progs.drop_listed);
	driver_point_at(&c->driver, c->program);
	addresses_free(&a);
}
