// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * "limit rate 5/second accept" accepts what is within the rate and leaves the
 * rest to the rules behind it. A limit of weir drops the rest. Both are the
 * same where the rules behind it drop it, too.
 */
#include "import_cond.h"
#include "import_flow.h"

/* The line that might accept what is above the rate of line @i; NULL when all is dropped. */
static const struct import_line *find_way(const struct import_filter *f, size_t i, bool *passes)
{
	const struct import_match *m = &f->lines[i].match;

	*passes = false;
	/* the pass that belongs to this limit is the next line */
	for (size_t j = i + 2; j < f->lines_count; j++) {
		const struct import_line *line = &f->lines[j];

		if (import_match_apart(m, &line->match))
			continue;
		if (line->action == WEIR_ACTION_PASS) {
			*passes = true;
			return line;
		}
		if ((line->action == WEIR_ACTION_DROP || line->action == WEIR_ACTION_REJECT) &&
		    import_match_within(m, &line->match))
			return NULL;
	}
	*passes = f->default_action == WEIR_ACTION_PASS;
	return NULL;
}

void import_limits(struct importer *im, struct import_filter *f)
{
	for (size_t i = 0; i + 1 < f->lines_count; i++) {
		struct import_line *line = &f->lines[i], *pass = line + 1;
		const struct import_line *way;
		bool passes;

		if (!line->admits)
			continue;
		while (pass->from == line->from && pass->action != WEIR_ACTION_PASS)
			pass++; /* its log or mark */
		way = find_way(f, (size_t)(pass - f->lines) - 1, &passes);
		if (!passes)
			continue;
		for (struct import_line *of = line; of <= pass; of++)
			of->gone = true;
		if (way && way->from)
			import_tell(im, line->from,
				    "weir's limit drops what is above its rate, which may be "
				    "accepted here by \"%s\"",
				    way->from->text);
		else
			import_tell(im, line->from,
				    "weir's limit drops what is above its rate, which is accepted "
				    "in the end here");
	}
}
