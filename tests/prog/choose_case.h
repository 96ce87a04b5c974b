/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A harness for where packets go: services send by ipip, backend N has the
 * address 10.9.0.N and the name "bN", and the clock can be moved on.
 */
#ifndef WEIR_TEST_CHOOSE_CASE_H
#define WEIR_TEST_CHOOSE_CASE_H

#include "testnet.h"

#include "harness.h"

#define WENT_PASS (-1) /* to the host */
#define WENT_DROP (-2)
#define WENT_BACK (-3) /* answered */

struct choose_case {
	struct harness h;
	struct testnet net;
	__u32 pin_sets; /* to be set before the start; 0: what a harness has */
	__u64 counted[WEIR_R_COUNT]; /* reasons until now */
};

/* Returns NULL, or why the machine cannot do it; in a namespace from then on. */
const char *choose_start(struct choose_case *c, const char *config);
void choose_stop(struct choose_case *c);

/* Apply another configuration after the one in force. */
void choose_change(struct choose_case *c, const char *config);

/* The backend that a packet goes to, or WENT_*. A frame that passes must be untouched. */
int choose_run(struct choose_case *c, const struct packet *p);
int choose_run_frame(struct choose_case *c, const struct frame *f);

/* The reason that the last packet met. */
enum weir_reason choose_reason(struct choose_case *c);

/*
 * Make each slot of service @index {@base, @current} for @settle_s seconds, by
 * their places in the configuration.
 */
void choose_move(struct choose_case *c, size_t index, __u16 base, __u16 current, __u32 settle_s);

/* @s seconds pass for everything that the datapath knows a time of. */
void choose_wait(struct choose_case *c, __u32 s);

/*
 * Seconds of the datapath's clock, of which some time is left: what follows at
 * once falls into the same.
 */
__u64 choose_now(void);

struct weir_service *choose_service_row(struct choose_case *c, size_t index);
struct weir_settle choose_settle(struct choose_case *c, __u32 service_id);
/* Live pins in the map, of any flow. */
__u32 choose_pins(struct choose_case *c);

#endif
