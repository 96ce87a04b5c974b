/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration as the image in force keeps it.
 */
#ifndef WEIR_STORED_H
#define WEIR_STORED_H

#include "failure.h"
#include "model.h"
#include "weir/image.h"

/* Self-contained text of @m, to be freed by the caller. Returns 0 or -ENOMEM. */
int stored_text(const struct model *m, char **text, size_t *size);

/* The same with the elements of files' sets that @m has, for when their memory is gone. */
int whole_text(const struct model *m, char **text, size_t *size);

/* The model that @image was built from; an empty one for NULL. */
int stored_model(const struct weir_image *image, struct model *out, struct failure *why);

#endif
