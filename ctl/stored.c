// SPDX-License-Identifier: GPL-2.0-or-later
#include "stored.h"

#include <errno.h>
#include <string.h>

#include "image.h"
#include "own.h"

static int print(const struct model *m, enum model_print how, char **text, size_t *size)
{
	FILE *out = open_memstream(text, size);

	if (!out)
		return -ENOMEM;
	model_print(m, how, out);
	if (!fclose(out))
		return 0;
	free(*text);
	*text = NULL;
	return -ENOMEM;
}

int stored_text(const struct model *m, char **text, size_t *size)
{
	return print(m, MODEL_PRINT_STORED, text, size);
}

int whole_text(const struct model *m, char **text, size_t *size)
{
	return print(m, MODEL_PRINT_WHOLE, text, size);
}

int stored_model(const struct weir_image *image, struct model *out, struct failure *why)
{
	struct diags diags = {};
	int error;

	*out = (struct model){};
	if (!image)
		return 0;
	error = model_parse("(applied)", IMAGE_AT(image, image->config_offset, char),
			    image->config_bytes, MODEL_FILES_STORED, &diags, out);
	if (error)
		fail(why, EXIT_CONFLICT,
		     "the applied configuration cannot be read: line %u: %s; it may be another "
		     "version's",
		     diags.count ? diags.list[0].loc.line : 0,
		     diags.count ? diags.list[0].message : strerror(-error));
	diag_free(&diags);
	return error ? -1 : 0;
}
