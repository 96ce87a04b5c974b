/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a pin of the map of pins says.
 */
#ifndef WEIR_PIN_H
#define WEIR_PIN_H

#include <stdbool.h>

#include "weir/balance.h"

struct seen_pin {
	__u64 tag;
	enum weir_pin_state state;
	__u32 backend; /* id; of a fragment too, and 0 for a verified source */
	__u32 age_s, left_s;
};

/*
 * Read a pin as the datapath takes it.
 *
 * @now_s  CLOCK_MONOTONIC_COARSE; CPUs that are a second ahead make pins of then,
 *         which count as made just now
 *
 * Returns false, with @out filled all the same, where its place is free, changes
 * hands this moment, or is past its life.
 */
bool pin_decode(const struct weir_pin *pin, __u32 now_s, struct seen_pin *out);

/* Whether it is of no flow: fragments of a packet, or a source that returned a cookie. */
bool pin_is_note(const struct seen_pin *pin);

#endif
