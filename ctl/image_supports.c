// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Words of the language that the datapath does not have. Whoever adds one to
 * the datapath takes its line out here.
 */
#include "image.h"

/* What of @s cannot be had, or NULL. */
static const char *missing(const struct service *s)
{
	const struct {
		bool is_used;
		const char *words;
	} uses[] = {
		{ s->syncookie != SYNCOOKIE_OFF, "syncookie" },
	};

	for (size_t i = 0; i < sizeof(uses) / sizeof(*uses); i++) {
		if (uses[i].is_used)
			return uses[i].words;
	}
	return NULL;
}

int image_supports(const struct model *m, struct failure *why)
{
	for (size_t i = 0; i < m->services_count; i++) {
		const struct service *s = &m->services[i];
		const char *words = missing(s);

		if (words)
			return fail(why, EXIT_USAGE,
				    "service %s, line %u: weir %s parses \"%s\" and cannot apply "
				    "it; leave it out",
				    s->name, s->loc.line, WEIR_VERSION, words);
	}
	return 0;
}
