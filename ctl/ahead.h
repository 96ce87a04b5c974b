/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration in force, parsed by another thread while this one parses
 * the configuration that is to follow it.
 */
#ifndef WEIR_AHEAD_H
#define WEIR_AHEAD_H

#include <stdbool.h>

#include "model.h"
#include "weir/image.h"

struct ahead;

/*
 * Begin to read what @instance has in force, which must outlive the result.
 * Takes no lock, changes nothing and says nothing. Closed by ahead_close();
 * NULL where there can be no thread.
 */
struct ahead *ahead_begin(const char *instance);
void ahead_close(struct ahead **a);

/*
 * Wait for the model, and take it if it was made of the very text in @image;
 * false: there is none, and @out is untouched. @a may be NULL.
 */
bool ahead_take(struct ahead *a, const struct weir_image *image, struct model *out);

#endif
