// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * TCP flags that a rule holds for: any of the 256 combinations. weir has
 * FLAGS/MASK and its negation; what is neither takes several rules.
 */
#include "import_flow.h"
#include "import_rule.h"

#define FLAGS_ALL 255U

/* Whether the flags that @c holds for are those with @value under @mask. */
static bool is_cube(const struct import_cond *c, unsigned int value, unsigned int mask,
		    bool negated)
{
	size_t at = 0;

	for (unsigned int flags = 0; flags <= FLAGS_ALL; flags++) {
		bool inside;

		while (at < c->ranges_count && range_last(&c->ranges[at]) < flags)
			at++;
		inside = at < c->ranges_count && range_first(&c->ranges[at]) <= flags;
		if (inside != (((flags & mask) == value) != negated))
			return false;
	}
	return true;
}

bool import_flags_cube(const struct import_cond *c, unsigned int *value, unsigned int *mask,
		       bool *negated)
{
	for (unsigned int m = 1; m <= FLAGS_ALL; m++) {
		/* the subsets of m, downwards */
		for (unsigned int v = m;; v = (v - 1) & m) {
			for (int n = 0; n < 2; n++) {
				if (!is_cube(c, v, m, n))
					continue;
				*value = v;
				*mask = m;
				*negated = n;
				return true;
			}
			if (!v)
				break;
		}
	}
	return false;
}

static void add_line(struct importer *im, struct import_filter *f, const struct import_line *line)
{
	*IMPORT_APPEND(im->memory, f->lines, f->lines_count) = *line;
}

/* The line once for the flags with @bit, once for those without, until each part is a cube. */
static void split(struct importer *im, struct import_filter *f, const struct import_line *line,
		  unsigned int bit)
{
	const struct import_cond *flags = line->match.cond[IMPORT_FLAGS];
	unsigned int value, mask;
	bool negated;

	if (import_flags_cube(flags, &value, &mask, &negated)) {
		add_line(im, f, line);
		return;
	}
	for (int set = 0; set < 2; set++) {
		struct import_line part = *line;
		range half[256];
		size_t count = import_flags_ranges(set ? bit : 0, bit, half);

		if (import_match_add(im, &part.match, IMPORT_FLAGS,
				     import_cond_ranges(im, half, count)) == IMPORT_JOINED)
			split(im, f, &part, bit << 1);
	}
}

void import_split_flags(struct importer *im, struct import_filter *f)
{
	struct import_line *lines = f->lines;
	size_t count = f->lines_count;

	f->lines = NULL;
	f->lines_count = 0;
	for (size_t i = 0; i < count; i++) {
		unsigned int value, mask;
		bool negated;

		if (!lines[i].match.cond[IMPORT_FLAGS] ||
		    import_flags_cube(lines[i].match.cond[IMPORT_FLAGS], &value, &mask, &negated))
			add_line(im, f, &lines[i]);
		else if (lines[i].action == WEIR_ACTION_LIMIT)
			import_tell(im, lines[i].from, "weir has one FLAGS/MASK in a limit");
		else
			split(im, f, &lines[i], 1);
	}
}
