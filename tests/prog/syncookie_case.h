/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clients of a service with SYN cookies, and what must answer them. All pins
 * lie in one set of four. Numbers are in host order.
 */
#ifndef WEIR_TEST_SYNCOOKIE_CASE_H
#define WEIR_TEST_SYNCOOKIE_CASE_H

#include "choose_case.h"

#define VIP4 "192.0.2.1"
#define VIP6 "2001:db8:ff::1"
#define ONE "198.51.100.1"
#define TWO "198.51.100.2"
#define ISN 0x01020304 /* of packet_build() */
#define CONFIG(words)                                                          \
	"interface in0 { xdp auto; balance }\n"                                \
	"service s0 { address " VIP4 ", " VIP6 "; port tcp 80; forward ipip\n" \
	"track none; " words "\nbackend b1 10.9.0.1 }\n"                       \
	"service s1 { address 192.0.2.2; port tcp 80; forward ipip\n"          \
	"track none\nbackend b2 10.9.0.2 }\n"

extern struct choose_case syncookies;
extern const char *syncookie_refusal; /* why nothing can be tested here, or NULL */

/* For WEIR_RUN_GROUP(). */
int syncookie_start(void **state);
int syncookie_stop(void **state);

/* Another configuration; nobody is verified, and no cookie is out. */
void syncookie_fresh(const char *config);

#define FRESH(words)                                        \
	do {                                                \
		if (syncookie_refusal)                      \
			WEIR_SKIP("%s", syncookie_refusal); \
		syncookie_fresh(CONFIG(words));             \
	} while (0)

__u32 get32(const __u8 *at);
void put32(__u8 *at, __u32 value);

/* A segment of @src, from its port to the service. */
struct packet segment(const char *src, __u16 sport, __u8 flags);

/* The TCP header of a frame that has neither options nor extensions of IP. */
__u8 *tcp_of(struct frame *f);

/* What its checksum should be, on top of what it is: 0 when it is right. */
__u16 tcp_sum(const struct frame *f);

/* The outcome of @p is an answer of that kind, byte by byte. */
void assert_answer(const struct packet *p, const struct outcome *out, __u8 flags, __u32 seq,
		   __u32 ack);

/* A SYN is answered with a cookie, which is returned; @isn is its sequence number. */
__u32 cookie_of_frame(const struct packet *p, const struct frame *in, __u32 isn);
__u32 cookie_of(const char *src, __u16 sport, __u32 isn);

/* These return as choose_run() does. */
int run_numbered(const struct packet *p, __u32 seq, __u32 ack);
int send_ack(const char *src, __u16 sport, __u32 seq, __u32 ack);
int send_syn(const char *src, __u16 sport);

/* Returns the cookie that @src was verified by. */
__u32 verify(const char *src, __u16 sport);

#endif
