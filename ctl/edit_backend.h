/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One backend changed in the text that says it, where it stands: comments,
 * defines and the order of things stay as their author wrote them.
 */
#ifndef WEIR_EDIT_BACKEND_H
#define WEIR_EDIT_BACKEND_H

#include "model.h"

/* What is asked for; -1: as it is. */
struct backend_change {
	long weight;
	int drain;
};

/*
 * @text with @backend changed, whose name @backend->loc finds there.
 *
 * Returns 0 with @out, @out_size bytes and a NUL, to be freed by the caller;
 * -ENOENT where the backend does not stand at its place, or -ENOMEM. Both are
 * untouched then.
 */
int edit_backend(const char *text, size_t size, const struct backend *backend,
		 const struct backend_change *change, char **out, size_t *out_size);

#endif
