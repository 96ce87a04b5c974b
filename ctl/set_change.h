/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the verbs of "weir set" do to a list of elements.
 */
#ifndef WEIR_SET_CHANGE_H
#define WEIR_SET_CHANGE_H

#include "failure.h"
#include "model.h"
#include "set_element.h"

struct set_change {
	size_t added;
	size_t present; /* were there already; with a timeout or comment they got it */
	size_t removed;
	size_t expired; /* went on the way */
};

/* Elements whose time is over go. */
void set_expire(struct set_elements *s, struct set_change *change);

/*
 * Put @more in, sorted and each once, whose comments change hands. An element
 * that is there keeps what it has, unless the new one has a timeout or a comment.
 * Returns 0 or -ENOMEM.
 */
int set_add(struct set_elements *s, struct set_elements *more, struct set_change *change);

/* Take @these out. Fails with EXIT_NOT_FOUND and @s untouched where one is not there. */
int set_remove(enum set_type type, const char *name, struct set_elements *s,
	       const struct set_elements *these, struct set_change *change, struct failure *why);

/*
 * The element that makes @wanted a member: itself, or of prefixes the longest
 * around it. Expired ones do not. NULL: it is none.
 */
const struct set_element *set_covering(enum set_type type, const struct set_elements *s,
				       const struct set_element *wanted);

#endif
