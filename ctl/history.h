/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configurations that were applied, newest last, each a file of its own:
 *
 *     /var/lib/weir/INSTANCE/NAMESPACE/0000000017.conf
 *
 * A file is the stored text below a comment that says where it came from, so
 * that it can be read, and applied, by hand. NAMESPACE outlives a boot where
 * the namespace has a name; see netns_key().
 */
#ifndef WEIR_HISTORY_H
#define WEIR_HISTORY_H

#include <limits.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "diff.h"
#include "failure.h"

/* What is kept: this many, and no more bytes than that, but always the newest two. */
#define HISTORY_ENTRIES 50
#define HISTORY_BYTES (256U << 20)

struct history_entry {
	__u32 sequence; /* names the file; ascending */
	__u64 generation;
	__u64 applied_s; /* CLOCK_REALTIME */
	char *file; /* what was applied */
	char *who;
	struct diff_count changes;
	size_t bytes;
};

struct history {
	char path[PATH_MAX];
	struct history_entry *list; /* newest first */
	size_t count;
};

/*
 * Read what there is; nothing at all is no failure. A file that cannot be read
 * or has no heading of weir's is left out. To be closed also when it fails.
 */
int history_open(struct history *h, const char *instance, struct failure *why);
void history_close(struct history *h);

/* The stored text of an entry, to be freed by the caller. */
int history_text(const struct history *h, const struct history_entry *e, char **text, size_t *size,
		 struct failure *why);

/*
 * Add an entry, unless the newest one has the same text, and drop what is
 * beyond the bounds. The caller holds the instance's lock.
 *
 * @entry  without sequence and bytes; who NULL: the user that runs this process
 */
int history_add(const char *instance, const struct history_entry *entry, const char *text,
		size_t size, struct failure *why);

/*
 * The entry that is @back configurations before the one in force, whose text
 * is @text, NULL for nothing; 0 is that itself. NULL when there is none.
 */
const struct history_entry *history_find(const struct history *h, unsigned int back,
					 const char *text, size_t size);

/* How far back the newest entry is: 0 when it is what is in force, else 1. */
unsigned int history_newest(const struct history *h, const char *text, size_t size);

#endif
