// SPDX-License-Identifier: GPL-2.0-or-later
#include "dispatcher.h"

#include <stdio.h>
#include <xdp/libxdp.h>

#include "own.h"

static void own_multiprog(struct xdp_multiprog **mp)
{
	if (*mp && !libxdp_get_error(*mp))
		xdp_multiprog__close(*mp);
}

void dispatcher_programs(__u32 ifindex, char *names, size_t size)
{
	OWN(own_multiprog) struct xdp_multiprog *mp = xdp_multiprog__get_from_ifindex(ifindex);
	struct xdp_program *program = NULL;
	size_t used = 0;

	names[0] = '\0';
	if (!mp || libxdp_get_error(mp) || xdp_multiprog__is_legacy(mp))
		return;
	while ((program = xdp_multiprog__next_prog(program, mp)) && used < size)
		used += snprintf(names + used, size - used, "%s\"%s\"", used ? ", " : "",
				 xdp_program__name(program));
}
