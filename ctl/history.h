/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configurations that were applied, newest last, each a file of its own:
 *
 *     /var/lib/weir/INSTANCE/NAMESPACE/0000000017.conf
 *     /var/lib/weir/INSTANCE/NAMESPACE/set-0123456789abcdef-00000000000000c8.txt
 *
 * A file is the stored text below a comment that says where it came from, so
 * that it can be read, and applied, by hand. The elements of a set that came
 * from a file lie in one of their own, named by what is in it: entries of one
 * content share it, and it goes with the last of them. NAMESPACE outlives a boot
 * where the namespace has a name; see netns_key().
 */
#ifndef WEIR_HISTORY_H
#define WEIR_HISTORY_H

#include <limits.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "diff.h"
#include "failure.h"
#include "model.h"
#include "set_arena.h"

/* What is kept: this many, and no more bytes than that, but always the newest two. */
#define HISTORY_ENTRIES 50
#define HISTORY_BYTES (256U << 20)

/* A set from a file, other than of ports, as the configuration had it. */
struct history_set {
	char name[NAME_BYTES];
	enum set_type type; /* to add it */
	__u64 digest[2]; /* of set_elements_digest() */
	const struct set_elements *elements; /* to add it; NULL: they are kept, or forgotten */
};

struct history_entry {
	__u32 sequence; /* names the file; ascending */
	__u64 generation;
	__u64 applied_s; /* CLOCK_REALTIME */
	char *file; /* what was applied */
	char *who;
	struct diff_count changes;
	struct history_set *sets;
	size_t sets_count;
	size_t bytes; /* of the file, without its sets */
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
 * Give the sets of @m, parsed of an entry's text, the elements that they had.
 * Those that the entry has none of, as it is older than this, stay elsewhere.
 */
int history_fill_sets(const struct history *h, const struct history_entry *e, struct model *m,
		      struct failure *why);

/*
 * Add an entry, unless the newest one has the same text and sets, and drop what
 * is beyond the bounds. The caller holds the instance's lock.
 *
 * @entry  without sequence and bytes; who NULL: the user that runs this process
 */
int history_add(const char *instance, const struct history_entry *entry, const char *text,
		size_t size, struct failure *why);

/* What is in force: its text, NULL for nothing, and its sets. */
struct history_now {
	const char *text;
	size_t size;
	const struct arena *sets;
};

/*
 * The entry that is @back configurations before the one in force; 0 is that
 * itself. NULL when there is none.
 */
const struct history_entry *history_find(const struct history *h, unsigned int back,
					 const struct history_now *now);

/* How far back the newest entry is: 0 when it is what is in force, else 1. */
unsigned int history_newest(const struct history *h, const struct history_now *now);

#endif
