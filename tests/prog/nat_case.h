/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flows through "forward nat" and "forward local": packets of both sides, and
 * what they should become. The oracle builds the translated packet anew, with
 * all checksums over everything, and never looks at how the datapath does it.
 */
#ifndef WEIR_TEST_NAT_CASE_H
#define WEIR_TEST_NAT_CASE_H

#include "harness.h"
#include "nat_world.h"
#include "testnet.h"

#include "nat_xdp.skel.h"

#define NAT_CASE_FLOWS 4096U /* records */
#define NAT_CASE_SETS 2048U
#define NAT_CASE_PORT_FIRST 1024
#define NAT_CASE_PORTS 31744

#define NAT_VIP4 "192.0.2.1"
#define NAT_VIP6 "2001:db8:ff::1"
#define NAT_CLIENT4 "10.9.0.7" /* behind out0's router */
#define NAT_CLIENT6 "2001:db8:9::7"
#define NAT_VPORT 443

enum nat_service { NAT_SERVICE, LOCAL_SERVICE, POOL_SERVICE };

/* Where packets to a backend leave, and from which address. */
struct nat_place {
	const char *addr, *source;
	__u16 port; /* 0: the packet's own */
	__u32 verdict;
	const __u8 *dmac;
};

extern const struct nat_place nat_places[];
extern const __u32 nat_places_count;

extern struct nat_xdp *nat;
extern struct testnet nat_net;
extern const char *nat_refusal;

#define NEED_NAT()                                    \
	do {                                          \
		if (nat_refusal)                      \
			WEIR_SKIP("%s", nat_refusal); \
	} while (0)

/* For WEIR_RUN_GROUP(). */
int nat_start(void **state);
int nat_stop(void **state);

/* Nothing is known any more. */
void nat_forget(void);

/* As if everything had happened @seconds earlier. */
void nat_pass_time(__u32 seconds);

/* Records that live in this state. */
__u32 nat_count(enum weir_nat_state state);

/* A flow of a client, and what it was given. */
struct nat_case {
	const char *client, *vip;
	__u16 client_port, vip_port;
	__u8 proto; /* IPPROTO_TCP or IPPROTO_UDP */
	__u32 place; /* index of nat_places, which the ring would say */
	enum nat_service service;
	/* Found by nat_open_case(). */
	char source[64];
	__u16 source_port;
};

struct nat_case nat_case_of(__u32 place, __u8 proto);

/* A packet of the client, and one of the backend that answers it; as it is toward weir. */
struct packet nat_of_client(const struct nat_case *c);
struct packet nat_of_backend(const struct nat_case *c);

/* The same as they are to be behind weir, without MAC addresses. */
struct packet nat_to_backend(const struct nat_case *c);
struct packet nat_to_client(const struct nat_case *c);

/* Hand a frame to the datapath. Returns the verdict; the reason is in nat->bss. */
__u32 nat_send(const struct frame *in, struct frame *out);
__u32 nat_answer(const struct frame *in, struct frame *out);

/*
 * Send the client's packet, learn source and port from what it became, and
 * check all else of that. Ends the test where it is not forwarded.
 */
void nat_open_case(struct nat_case *c, __u8 flags);

/* Send a packet, and check that it becomes what the case says, byte for byte. */
void nat_check_send(const struct nat_case *c, const struct packet *p);
void nat_check_answer(const struct nat_case *c, const struct packet *p);

/* Write MAC addresses as the way to the backend, or to the client, has them. */
void nat_set_macs(struct frame *f, const __u8 *dmac, __u32 verdict);

void nat_assert_equal(const struct frame *got, const struct frame *want);

#endif
