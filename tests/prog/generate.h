/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random configurations and random frames that have a good chance to meet:
 * both draw from the same few addresses, ports and protocols.
 */
#ifndef WEIR_TEST_GENERATE_H
#define WEIR_TEST_GENERATE_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "packet.h"

/* Prints the seed; WEIR_TEST_SEED repeats a run. */
void generate_start(void);
__u64 generate_u64(void);
__u32 generate_below(__u32 limit);
bool generate_one_in(__u32 n);

#define GENERATE_PICK(array) ((array)[generate_below(sizeof(array) / sizeof((array)[0]))])

/* Name of the device that the rules of generate_config() know. */
#define GENERATE_DEVICE "test"

/*
 * One filter "f" of up to @rules rules, and sets; freed by the caller. No
 * connection is established, no rate limit is exceeded, and rules ask for any
 * field and action but expr.
 */
char *generate_config(__u32 rules);

/* Any frame of 14 bytes or more: mostly sound, some lying, some cut, some with noise in it. */
void generate_frame(struct frame *f);

#endif
