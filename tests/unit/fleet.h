/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Backends of a made-up fleet and the Maglev table that they get.
 */
#ifndef WEIR_TEST_FLEET_H
#define WEIR_TEST_FLEET_H

#include <stdio.h>
#include <string.h>

#include "maglev.h"
#include "test_main.h"
#include "weir/balance.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SIZE WEIR_RING_SLOTS
#define MOST 655 /* backends that a ring has room for */

/* A fleet of backends and the table that they get. */
struct fleet {
	__u32 count;
	char name_buf[MOST][32];
	const char *names[MOST];
	__u16 weight[MOST];
	__u32 table[SIZE];
};

static struct fleet fleet, other;

static inline void name_backends(struct fleet *f, __u32 count, __u16 weight)
{
	__u32 i;

	f->count = count;
	for (i = 0; i < count; i++) {
		snprintf(f->name_buf[i], sizeof(f->name_buf[i]), "web%u", i + 1);
		f->names[i] = f->name_buf[i];
		f->weight[i] = weight;
	}
}

static inline void fill(struct fleet *f)
{
	memset(f->table, 0xee, sizeof(f->table));
	assert_int_equal(maglev_fill(f->names, f->weight, f->count, f->table, SIZE), 0);
}

static inline __u32 share_of(const struct fleet *f, __u32 backend)
{
	__u32 i, share = 0;

	for (i = 0; i < SIZE; i++)
		share += f->table[i] == backend;
	return share;
}

#endif
