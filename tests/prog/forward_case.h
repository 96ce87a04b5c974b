/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A balancer in testnet.h's namespace, which forwards what comes in at in0.
 */
#ifndef WEIR_TEST_FORWARD_CASE_H
#define WEIR_TEST_FORWARD_CASE_H

#include "testnet.h"

#include "harness.h"

#define FORWARD_SOURCE4 "172.31.0.1" /* of outer headers */
#define FORWARD_SOURCE6 "2001:db8:f::1"

/* Of in0, which balances and filters nothing. */
extern const struct harness_host forward_host;

/*
 * Make the namespace, put @config in force and load the program for in0. @host:
 * &forward_host, or what a test made of it.
 *
 * Returns NULL, or why the machine cannot do it; nothing is to be stopped then.
 */
const char *forward_start(struct harness *h, struct testnet *net, const char *config,
			  const struct harness_host *host);

/*
 * Append to @text, of @size bytes, a service with the VIPs 192.0.2.@n and
 * 2001:db8:ff::@n, and one backend. @words: "forward ipip; mss 1200"
 */
void forward_add_service(char *text, size_t size, __u32 n, const char *words, const char *backend);

#endif
