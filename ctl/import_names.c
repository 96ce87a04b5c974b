// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names of rules: the comment of the rule, if it has one, else its chain and
 * its place in it; "-log" and the like behind what one rule became besides.
 */
#include <ctype.h>
#include <string.h>

#include "import_flow.h"

/* Names that were given, as a hash table with open addressing. */
struct import_names {
	struct importer *im;
	const char **slots;
	size_t room; /* a power of two */
	size_t count;
};

struct import_names *import_names_new(struct importer *im)
{
	struct import_names *n = import_alloc(im->memory, sizeof(*n));

	n->im = im;
	n->room = 64;
	n->slots = import_alloc(im->memory, n->room * sizeof(*n->slots));
	return n;
}

static const char **find(struct import_names *n, const char *name)
{
	size_t hash = 14695981039346656037ULL;

	for (const char *c = name; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 1099511628211ULL;
	for (hash ^= hash >> 32;; hash++) {
		const char **slot = &n->slots[hash & (n->room - 1)];

		if (!*slot || !strcmp(*slot, name))
			return slot;
	}
}

static bool add(struct import_names *n, const char *name)
{
	const char **slot = find(n, name);

	if (*slot)
		return false;
	*slot = import_text(n->im->memory, "%s", name);
	if (++n->count * 2 > n->room) {
		const char **old = n->slots;
		size_t room = n->room;

		n->room *= 2;
		n->slots = import_alloc(n->im->memory, n->room * sizeof(*n->slots));
		for (size_t i = 0; i < room; i++) {
			if (old[i])
				*find(n, old[i]) = old[i];
		}
	}
	return true;
}

void import_name(char out[NAME_BYTES], const char *text, size_t most)
{
	size_t used = 0;

	for (; *text && used < most; text++) {
		unsigned char c = (unsigned char)*text;
		bool fits = isascii(c) && (isalnum(c) || c == '_' || (c == '.' && used));

		if (!used && isascii(c) && isdigit(c))
			out[used++] = '_';
		if (fits)
			out[used++] = (char)c;
		else if (used && out[used - 1] != '-')
			out[used++] = '-';
	}
	while (used && (out[used - 1] == '-' || out[used - 1] == '.'))
		used--;
	out[used] = 0;
}

/* Room for "-limit" and for a number that makes the name unique. */
#define STEM_BYTES 44

static void stem(char out[NAME_BYTES], const struct import_line *line)
{
	char chain[NAME_BYTES];

	out[0] = 0;
	if (line->from && line->from->comment)
		import_name(out, line->from->comment, STEM_BYTES);
	if (out[0])
		return;
	import_name(chain, line->from ? line->from->chain : line->chain->name, STEM_BYTES - 12);
	if (!chain[0])
		strcpy(chain, "rule");
	if (line->from)
		snprintf(out, NAME_BYTES, "%.32s-%u", chain, line->from->number);
	else
		snprintf(out, NAME_BYTES, "%.32s-policy", chain);
}

static const char *suffix(const struct import_line *line)
{
	switch (line->action) {
	case WEIR_ACTION_LOG:
		return line->from->verdict == IMPORT_GO_ON ? "" : "-log";
	case WEIR_ACTION_MARK:
		return line->from->verdict == IMPORT_GO_ON ? "" : "-mark";
	case WEIR_ACTION_LIMIT:
		return line->from->verdict == IMPORT_ACCEPT ? "-limit" : "";
	default:
		return "";
	}
}

const char *import_name_make_unique(struct import_names *n, const char *base, const char *end)
{
	char name[2 * NAME_BYTES];

	snprintf(name, sizeof(name), "%s%s", base, end);
	/* in greater steps where many have one comment */
	for (size_t i = 2; !add(n, name); i += i < 16 ? 1 : n->count)
		snprintf(name, sizeof(name), "%s%s.%zu", base, end, i);
	return *find(n, name);
}

const char *import_line_name(struct import_names *n, const struct import_line *line)
{
	char base[NAME_BYTES];

	stem(base, line);
	return import_name_make_unique(n, base, suffix(line));
}
