/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One packet against one filter, as a row of a table: asked of the reference
 * model, of XDP and of TC ingress.
 */
#ifndef WEIR_TEST_FILTER_CASE_H
#define WEIR_TEST_FILTER_CASE_H

#include "harness.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define CLIENT4 "10.0.0.1"
#define SERVER4 "10.0.0.2"
#define CLIENT6 "2001:db8::1"
#define SERVER6 "2001:db8::2"
#define IPV4 .src = CLIENT4, .dst = SERVER4
#define IPV6 .src = CLIENT6, .dst = SERVER6

#define FILTER_DEVICE "test"

enum filter_verdict { PASS, DROP };

#define BY_NONE (-1) /* the filter did not look at the packet */

struct filter_case {
	const char *name;
	const char *rules; /* what stands in the filter's braces */
	struct packet packet;
#define FILTER_DEVICE "test"

	enum filter_verdict verdict;
	int by; /* rule that decides; the number of rules stands for the default */
	const char *sets; /* NULL: none */
	size_t bytes; /* of the frame, when it is cut */
	__u16 taken_tci; /* the driver took this tag out; asked of TC alone */
};

/* The packet cut at every byte: its first rule holds from so many bytes on, its default before. */
struct filter_cut {
	const char *name;
	const char *match; /* of the only rule */
	struct packet packet;
	size_t from;
};

int filter_start(void **state);
int filter_stop(void **state);

/* Each case's verdict is given, and its rule counts one packet and its bytes. */
void filter_check(const struct filter_case *cases, size_t count);

/* One case at XDP, with so many bytes of 0 behind its frame, as many as a frame can have. */
void filter_check_with_more(const struct filter_case *c, size_t more);
void filter_check_cuts(const struct filter_cut *cuts, size_t count);

#endif
