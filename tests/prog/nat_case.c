// SPDX-License-Identifier: GPL-2.0-or-later
#include "nat_case.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#define SOURCE4 "10.1.0.1"
#define SOURCE6 "2001:db8:1::1"
#define TTL 61 /* of struct packet's */
#define HOPS 256

const struct nat_place nat_places[] = {
	{ "10.1.0.11", SOURCE4, 8443, XDP_TX, testnet_in_11 },
	{ "10.2.0.11", SOURCE4, 0, XDP_REDIRECT, testnet_out_11 },
	{ "10.9.0.5", SOURCE4, 443, XDP_REDIRECT, testnet_out_12 }, /* behind a router */
	{ "2001:db8:1::12", SOURCE6, 8443, XDP_TX, testnet_in_12 },
	{ "2001:db8:2::11", SOURCE6, 0, XDP_REDIRECT, testnet_out_11 },
	{ "2001:db8:9::5", SOURCE6, 443, XDP_REDIRECT, testnet_out_12 },
};
const __u32 nat_places_count = sizeof(nat_places) / sizeof(*nat_places);

/* Of POOL_SERVICE. */
static const char *const pool[] = { "172.31.0.1", "172.31.0.2", "172.31.0.3", "2001:db8:f::1",
				    "2001:db8:f::2" };
#define POOL4 3
#define POOL6 2

struct nat_xdp *nat;
struct testnet nat_net;
const char *nat_refusal;

static void add_source(struct nat_world *w, const char *text)
{
	__u64 half[2];
	__u8 addr[16];
	__u32 place;

	packet_address(text, addr);
	memcpy(half, addr, sizeof(half));
	for (__u32 i = 0; i < WEIR_NAT_PROBES; i++) {
		static const __u8 empty[16];

		place = (weir_nat_source_hash(half[0], half[1]) + i) & (NAT_WORLD_SOURCES - 1);
		if (memcmp(w->table[place], empty, 16) != 0)
			continue;
		memcpy(w->table[place], addr, 16);
		return;
	}
	fail_msg("%s finds no place among the sources", text);
}

static void fill_backends(struct nat_world *w)
{
	for (__u32 i = 0; i < nat_places_count; i++) {
		struct weir_backend *b = &w->backends[i];

		packet_address(nat_places[i].addr, b->addr);
		packet_address(nat_places[i].source, b->source);
		b->id = i + 1; /* not its index */
		b->port = htons(nat_places[i].port);
		b->is_v6 = strchr(nat_places[i].addr, ':') != NULL;
		w->backend_by_id[b->id] =
			(__u32)(offsetof(struct nat_world, backends) + i * sizeof(*b));
	}
}

static void fill_services(struct nat_world *w)
{
	for (__u32 i = 0; i <= POOL_SERVICE; i++) {
		w->services[i].forward = i == LOCAL_SERVICE ? WEIR_FORWARD_LOCAL : WEIR_FORWARD_NAT;
		w->services[i].settle_s = 3600;
		w->services[i].udp_idle_s = 90;
		w->services[i].backends_offset = offsetof(struct nat_world, backends);
		w->services[i].backends_count = (__u16)nat_places_count;
	}
	w->services[POOL_SERVICE].sources_offset = offsetof(struct nat_world, sources);
	w->services[POOL_SERVICE].sources_v4 = POOL4;
	w->services[POOL_SERVICE].sources_v6 = POOL6;
	for (__u32 i = 0; i < POOL4 + POOL6; i++) {
		packet_address(pool[i], w->sources[i]);
		add_source(w, pool[i]);
	}
	add_source(w, SOURCE4);
	add_source(w, SOURCE6);
}

static void fill(struct nat_world *w)
{
	fill_backends(w);
	fill_services(w);
	w->image.backend_by_id_offset = offsetof(struct nat_world, backend_by_id);
	w->image.backend_by_id_count = NAT_WORLD_BACKENDS;
	w->image.nat.sources_offset = offsetof(struct nat_world, table);
	w->image.nat.sources_mask = NAT_WORLD_SOURCES - 1;
	w->image.nat.port_first = NAT_CASE_PORT_FIRST;
	w->image.nat.ports_count = NAT_CASE_PORTS;
	w->image.secret[0] = 0x0706050403020100;
	w->image.secret[1] = 0x0f0e0d0c0b0a0908;
}

int nat_start(void **state)
{
	(void)state;
	nat_refusal = harness_refusal();
	if (!nat_refusal)
		nat_refusal = testnet_start(&nat_net);
	if (nat_refusal)
		return 0;
	nat = nat_xdp__open();
	assert_non_null(nat);
	nat->rodata_weir->weir.image_mask = NAT_WORLD_MASK;
	nat->rodata_weir->weir.nat_mask = NAT_CASE_SETS - 1;
	nat->rodata_weir->weir.nat_flow_mask = NAT_CASE_FLOWS - 1;
	nat->rodata_weir->weir.hop_mask = HOPS - 1;
	nat->rodata_weir->weir.hop_jiffies = 10;
	bpf_map__set_max_entries(nat->maps.weir_nat, NAT_CASE_SETS);
	bpf_map__set_max_entries(nat->maps.weir_nat_flows, NAT_CASE_FLOWS);
	bpf_map__set_max_entries(nat->maps.weir_hops, HOPS);
	bpf_map__set_max_entries(nat->maps.weir_backends, NAT_WORLD_BACKENDS);
	fill(&nat->bss->world);
	assert_int_equal(nat_xdp__load(nat), 0);
	return 0;
}

int nat_stop(void **state)
{
	(void)state;
	nat_xdp__destroy(nat);
	return 0;
}

void nat_forget(void)
{
	static const struct weir_nat_flow none;
	static const struct weir_nat_set empty;

	for (__u32 i = 0; i < NAT_CASE_FLOWS; i++)
		assert_int_equal(bpf_map_update_elem(bpf_map__fd(nat->maps.weir_nat_flows), &i,
						     &none, BPF_ANY),
				 0);
	for (__u32 i = 0; i < NAT_CASE_SETS; i++)
		assert_int_equal(
			bpf_map_update_elem(bpf_map__fd(nat->maps.weir_nat), &i, &empty, BPF_ANY),
			0);
}

void nat_pass_time(__u32 seconds)
{
	int flows = bpf_map__fd(nat->maps.weir_nat_flows), sets = bpf_map__fd(nat->maps.weir_nat);

	for (__u32 i = 0; i < NAT_CASE_FLOWS; i++) {
		struct weir_nat_flow r;

		assert_int_equal(bpf_map_lookup_elem(flows, &i, &r), 0);
		if (weir_nat_state(r.life) == WEIR_NAT_FREE)
			continue;
		r.life -= (__u64)WEIR_NAT_TICKS(seconds) << 32;
		assert_int_equal(bpf_map_update_elem(flows, &i, &r, BPF_ANY), 0);
	}
	for (__u32 i = 0; i < NAT_CASE_SETS; i++) {
		struct weir_nat_set set;

		assert_int_equal(bpf_map_lookup_elem(sets, &i, &set), 0);
		for (int w = 0; w < WEIR_NAT_WAYS; w++)
			set.way[w].until -= set.way[w].tag ? WEIR_NAT_TICKS(seconds) : 0;
		assert_int_equal(bpf_map_update_elem(sets, &i, &set, BPF_ANY), 0);
	}
}

__u32 nat_count(enum weir_nat_state state)
{
	struct timespec now;
	__u32 count = 0, tick;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	tick = (__u32)(((__u64)now.tv_sec * 1000000000 + (__u64)now.tv_nsec) >>
		       WEIR_NAT_TICK_SHIFT);
	for (__u32 i = 0; i < NAT_CASE_FLOWS; i++) {
		struct weir_nat_flow r;

		assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(nat->maps.weir_nat_flows), &i, &r),
				 0);
		count += weir_nat_state(r.life) == state &&
			 (__s32)(weir_nat_until(r.life) - tick) >= 0;
	}
	return count;
}

struct nat_case nat_case_of(__u32 place, __u8 proto)
{
	bool is_v6 = strchr(nat_places[place].addr, ':') != NULL;

	return (struct nat_case){ .client = is_v6 ? NAT_CLIENT6 : NAT_CLIENT4,
				  .vip = is_v6 ? NAT_VIP6 : NAT_VIP4,
				  .client_port = (__u16)(40000 + place),
				  .vip_port = NAT_VPORT,
				  .proto = proto,
				  .place = place };
}

static struct packet common(const struct nat_case *c)
{
	return (struct packet){ .proto = c->proto, .flags = ACK, .tos = 0xb9, .payload = 33 };
}

static __u16 backend_port(const struct nat_case *c)
{
	return nat_places[c->place].port ? nat_places[c->place].port : c->vip_port;
}

struct packet nat_of_client(const struct nat_case *c)
{
	struct packet p = common(c);

	p.src = c->client;
	p.dst = c->vip;
	p.sport = c->client_port;
	p.dport = c->vip_port;
	return p;
}

struct packet nat_to_backend(const struct nat_case *c)
{
	struct packet p = common(c);

	p.src = c->source;
	p.dst = nat_places[c->place].addr;
	p.sport = c->source_port;
	p.dport = backend_port(c);
	return p;
}

static struct packet turned(struct packet p)
{
	const struct packet was = p;

	p.src = was.dst;
	p.dst = was.src;
	p.sport = was.dport;
	p.dport = was.sport;
	return p;
}

struct packet nat_of_backend(const struct nat_case *c)
{
	return turned(nat_to_backend(c));
}

struct packet nat_to_client(const struct nat_case *c)
{
	return turned(nat_of_client(c));
}

static __u32 run(const struct bpf_program *program, const struct frame *in, struct frame *out)
{
	struct xdp_md xdp = { .data_end = (__u32)in->size, .ingress_ifindex = nat_net.in };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in->bytes, .data_size_in = (__u32)in->size,
		    .data_out = out->bytes, .data_size_out = sizeof(out->bytes), .ctx_in = &xdp,
		    .ctx_size_in = sizeof(xdp), .repeat = 1);

	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(program), &opts), 0);
	out->size = opts.data_size_out;
	return opts.retval;
}

__u32 nat_send(const struct frame *in, struct frame *out)
{
	return run(nat->progs.nat_in, in, out);
}

__u32 nat_answer(const struct frame *in, struct frame *out)
{
	return run(nat->progs.nat_out, in, out);
}

void nat_assert_equal(const struct frame *got, const struct frame *want)
{
	if (got->size == want->size && !memcmp(got->bytes, want->bytes, got->size))
		return;
	frame_print(got);
	frame_print(want);
	fail_msg("frames differ");
}

void nat_set_macs(struct frame *f, const __u8 *dmac, __u32 verdict)
{
	memcpy(f->bytes, dmac, 6);
	memcpy(f->bytes + 6, verdict == XDP_TX ? nat_net.in_mac : nat_net.out_mac, 6);
}

/* The ends of the frame, from its headers. */
static void read_source(const struct frame *f, struct nat_case *c)
{
	bool is_v6 = f->bytes[12] == 0x86;
	const __u8 *ip = f->bytes + ETHERNET_BYTES, *l4;

	l4 = ip + (is_v6 ? 40 : (ip[0] & 15) * 4);
	assert_non_null(inet_ntop(is_v6 ? AF_INET6 : AF_INET, ip + (is_v6 ? 8 : 12), c->source,
				  sizeof(c->source)));
	c->source_port = (__u16)(l4[0] << 8 | l4[1]);
}

static void prepare(const struct nat_case *c)
{
	nat->bss->service = c->service;
	nat->bss->backend = c->place;
}

/* What @p becomes, with the ends of @ends and one hop less. */
static void build_translated(const struct packet *p, struct packet ends, struct frame *f)
{
	struct packet to = *p;

	to.src = ends.src;
	to.dst = ends.dst;
	to.sport = ends.sport;
	to.dport = ends.dport;
	to.ttl = (p->ttl ? p->ttl : TTL) - 1;
	packet_build(&to, f);
}

void nat_open_case(struct nat_case *c, __u8 flags)
{
	struct packet p = nat_of_client(c);
	static struct frame in, out;

	prepare(c);
	p.flags = flags;
	packet_build(&p, &in);
	assert_int_equal(nat_send(&in, &out), nat_places[c->place].verdict);
	assert_int_equal(nat->bss->reason, WEIR_R_LB_FORWARD);
	read_source(&out, c);
	nat_check_send(c, &p);
}

void nat_check_send(const struct nat_case *c, const struct packet *p)
{
	const struct nat_place *place = &nat_places[c->place];
	static struct frame in, out, want;

	prepare(c);
	packet_build(p, &in);
	build_translated(p, nat_to_backend(c), &want);
	nat_set_macs(&want, place->dmac, place->verdict);
	assert_int_equal(nat_send(&in, &out), place->verdict);
	assert_int_equal(nat->bss->reason, WEIR_R_LB_FORWARD);
	nat_assert_equal(&out, &want);
}

void nat_check_answer(const struct nat_case *c, const struct packet *p)
{
	static struct frame in, out, want;

	packet_build(p, &in);
	build_translated(p, nat_to_client(c), &want);
	/* Clients lie behind out0's router. */
	nat_set_macs(&want, testnet_out_12, XDP_REDIRECT);
	assert_int_equal(nat_answer(&in, &out), XDP_REDIRECT);
	assert_int_equal(nat->bss->reason, WEIR_R_LB_NAT_RETURN);
	nat_assert_equal(&out, &want);
}
