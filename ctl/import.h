/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rule sets of other packet filters, translated to a weir configuration. What
 * has no meaning in weir is left out and told, rule by rule; nothing is
 * translated to less than all of its conditions.
 */
#ifndef WEIR_IMPORT_H
#define WEIR_IMPORT_H

#include <stddef.h>

#include "failure.h"

enum import_format {
	IMPORT_NFT, /* of "nft list ruleset", with or without -j, or written by hand */
	IMPORT_IPTABLES, /* of iptables-save and ip6tables-save, or both in one file */
};

enum import_note_kind {
	IMPORT_LEFT_OUT, /* is not in the configuration */
	IMPORT_CHANGED, /* is, with another meaning than it had */
};

struct import_note {
	enum import_note_kind kind;
	unsigned int line; /* in the file; 0 for JSON, where @text says which rule */
	const char *text; /* what was there, printable, cut to a line */
	const char *why; /* and what the consequence is */
};

/* Everything is owned by @memory. */
struct import_result {
	struct import_memory *memory;
	const char *config; /* text that model_parse() takes */
	struct import_note *notes; /* by line */
	size_t notes_count;
};

/*
 * Translate @size bytes of @text.
 *
 * @file  its name, for messages
 *
 * Returns 0, or -1 with @why filled when there is nothing in it that can be
 * understood, or its chains expand to too much; @out is empty then. To be
 * released by import_free() in both cases.
 */
int import_translate(enum import_format format, const char *file, const char *text, size_t size,
		     struct import_result *out, struct failure *why);

void import_free(struct import_result *r);

#endif
