/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Elements of a set, whatever its type, and their clock.
 */
#ifndef WEIR_SET_ELEMENT_H
#define WEIR_SET_ELEMENT_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Comments are owned. The key is that of struct weir_set_record; of an
 * interface it is the 16 bytes of its name.
 */
struct set_element {
	__u64 hi;
	__u64 lo;
	char *comment; /* NULL: none */
	__u32 detail; /* prefix: its length; else port | WEIR_SET_V6 */
	__u32 expires; /* in ticks; 0: never */
	__u32 timeout_s; /* as written, and not begun: 0 when there is none or it has */
	bool is_v6;
	bool is_live; /* added by "weir set", not by the configuration */
};

struct set_elements {
	struct set_element *list;
	size_t count;
	size_t room;
};

void set_elements_free(struct set_elements *s);

/* Append a copy; the comment changes hands. Returns 0 or -ENOMEM, then it does not. */
int set_elements_add(struct set_elements *s, const struct set_element *e);

/* IPv4 before IPv6, by key, by detail. What is equal here is the same element. */
int set_element_order(const void *a, const void *b);
void set_elements_sort(struct set_elements *s);

/* Of a sorted list, the element with that key, or NULL. */
struct set_element *set_elements_find(const struct set_elements *s, const struct set_element *key);

/* Keep the first of those that are equal; returns how many went. The list is sorted then. */
size_t set_elements_normalise(struct set_elements *s);

bool set_elements_equal(const struct set_elements *a, const struct set_elements *b);

/* Hash of all keys, timeouts and comments, of a sorted list. */
void set_elements_digest(const struct set_elements *s, __u64 digest[2]);

/* The coarse monotonic clock in ticks. Seconds from now are never 0, which means no expiry. */
__u32 set_ticks_now(void);
__u32 set_ticks_in(__u32 seconds);
bool set_has_expired(__u32 expires, __u32 now);
__u32 set_seconds_left(__u32 expires, __u32 now);

#endif
