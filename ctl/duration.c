// SPDX-License-Identifier: GPL-2.0-or-later
#include "duration.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MOST_S (24UL * 3600)

int duration_parse(const char *text, unsigned int *seconds, struct failure *why)
{
	static const struct {
		const char *unit;
		unsigned long seconds;
	} units[] = { { "s", 1 }, { "m", 60 }, { "h", 3600 } };
	unsigned long number;
	char *end;

	errno = 0;
	number = text[0] >= '0' && text[0] <= '9' ? strtoul(text, &end, 10) : 0;
	for (size_t i = 0; number && !errno && i < sizeof(units) / sizeof(*units); i++) {
		if (strcmp(end, units[i].unit) != 0 || number > MOST_S / units[i].seconds)
			continue;
		*seconds = number * units[i].seconds;
		return 0;
	}
	return fail(why, EXIT_USAGE,
		    "\"%s\" is no span of time; write 60s, 5m or 1h, from 1s to 24h", text);
}
