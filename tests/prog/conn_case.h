/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flows between this host and a peer, and what the table makes of them.
 */
#ifndef WEIR_TEST_CONN_CASE_H
#define WEIR_TEST_CONN_CASE_H

#include "actions.h"

#define HOST4 "192.0.2.1"
#define PEER4 "198.51.100.7"
#define HOST6 "2001:db8::1"
#define PEER6 "2001:db8:9::7"

extern struct actions_xdp *programs;

/* For WEIR_RUN_GROUP(). */
int conn_start(void **state);
int conn_stop(void **state);

/* Nothing is known any more. */
void forget_all(void);

/* As if everything had happened @seconds earlier. */
void pass_time(__u32 seconds);

/* How many connections the table holds, living or not. */
size_t opened(void);

/* A flow, told from this host. */
struct flow {
	bool is_v6;
	__u8 proto; /* 0: TCP */
	__u16 local, remote; /* ports */
};

/* Packets of it, from this host and to it. */
struct packet leaving(const struct flow *f, __u8 flags);
struct packet coming(const struct flow *f, __u8 flags);

void send_packet(const struct packet *p);

/* Whether it is established; where not, it is let in all the same. */
bool receive_packet(const struct packet *p);

/* Whether it would leave as one of a connection. */
bool is_known(const struct packet *p);

/* The same for packets of a flow. */
void out(const struct flow *f, __u8 flags);
bool in(const struct flow *f, __u8 flags);
bool knows(const struct flow *f, __u8 flags);

extern const struct flow tcp4, tcp6, udp4, udp6;

/* A ping of 56 bytes, or the answer to one. */
struct packet echo(bool is_v6, bool is_out, __u8 type);

#endif
