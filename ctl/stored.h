/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration as the image in force keeps it.
 */
#ifndef WEIR_STORED_H
#define WEIR_STORED_H

#include "failure.h"
#include "model.h"
#include "weir/image.h"

/*
 * Self-contained text of @m, @size bytes: its source where that is one, else
 * what is printed into @made, which the caller frees. NULL: out of memory.
 */
const char *stored_text(const struct model *m, char **made, size_t *size);

/* Have @m, which was parsed of stored text, keep a copy of it as its source. */
void stored_keep(struct model *m, const char *text, size_t size);

/* The model that @image was built from; an empty one for NULL. */
int stored_model(const struct weir_image *image, struct model *out, struct failure *why);

#endif
