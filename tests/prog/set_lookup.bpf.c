// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lookups in sets and nothing around them: of a packet, for tests, and of many
 * keys in a row, to be timed.
 */
#include "weir/bpf/set.h"

char LICENSE[] SEC("license") = "GPL";

#define SET_KEYS (1 << 16)

struct set_key {
	__u64 hi, lo;
	__u32 detail;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct set_key[SET_KEYS]);
} set_keys SEC(".maps");

/* Set by user space. */
__u32 slot;
__u32 side;
__u32 rounds; /* of SET_KEYS lookups */
__u64 found;

/* Returns 1 when the packet's address of @side is in the set @slot, and 0 when it is not. */
SEC("xdp")
int set_of_packet(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	struct pkt p;

	pkt_init(&p, data_end - data, 0);
	pkt_parse(data, data_end, &p);
	return set_holds(slot, side ? SET_DESTINATION : SET_SOURCE, &p);
}

SEC("xdp")
int set_of_device(struct xdp_md *ctx)
{
	return set_holds_device(slot);
}

struct walk_keys {
	const struct set_key *keys;
	__u64 found;
};

static long look_up(__u32 index, struct walk_keys *w)
{
	const struct set_key *key = &w->keys[index & (SET_KEYS - 1)];

	w->found += set_lookup(slot, key->hi, key->lo, key->detail);
	return 0;
}

static long look_at(__u32 index, struct walk_keys *w)
{
	const struct set_key *key = &w->keys[index & (SET_KEYS - 1)];

	w->found += key->hi + key->lo + key->detail;
	return 0;
}

static __always_inline int walk(long (*each)(__u32, struct walk_keys *))
{
	struct walk_keys w = {};
	__u32 zero = 0;

	w.keys = bpf_map_lookup_elem(&set_keys, &zero);
	if (!w.keys)
		return 1;
	bpf_loop(rounds * SET_KEYS, each, &w, 0);
	found = w.found;
	return 0;
}

SEC("xdp")
int set_of_keys(struct xdp_md *ctx)
{
	return walk(look_up);
}

/* The same without a set, to be taken off. */
SEC("xdp")
int set_of_none(struct xdp_md *ctx)
{
	return walk(look_at);
}
