// SPDX-License-Identifier: GPL-2.0-or-later
#include "stored.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"
#include "own.h"

/* Text of more bytes, most of them comments, is not worth its place in the image. */
#define SOURCE_BYTES_MAX (16U << 20)
/* And so many for each rule and backend. */
#define SOURCE_BYTES_EACH 64

static int print(const struct model *m, char **text, size_t *size)
{
	FILE *out = open_memstream(text, size);

	if (!out)
		return -ENOMEM;
	model_print(m, MODEL_PRINT_STORED, out);
	if (!fclose(out))
		return 0;
	free(*text);
	*text = NULL;
	return -ENOMEM;
}

/*
 * Ports from a file go into the image, and no further, as do the addresses of
 * hosts; other sets have their own memory.
 */
static bool is_self_contained(const struct model *m)
{
	if (m->source && m->source_is_stored)
		return true;
	for (size_t i = 0; i < m->sets_count; i++) {
		if (m->sets[i].file && m->sets[i].type == SET_PORT)
			return false;
	}
	for (size_t i = 0; i < model_groups_count(m); i++) {
		const struct backend_group g = model_group(m, i);

		for (size_t k = 0; k < g.backends_count; k++) {
			if (g.backends[k].host)
				return false;
		}
	}
	return m->source &&
	       m->source_bytes <= SOURCE_BYTES_MAX + SOURCE_BYTES_EACH * (model_rules_count(m) +
									  model_backends_count(m));
}

const char *stored_text(const struct model *m, char **made, size_t *size)
{
	if (is_self_contained(m)) {
		*size = m->source_bytes;
		return m->source;
	}
	return print(m, made, size) ? NULL : *made;
}

/* Without memory for it the model is printed when it is stored again. */
void stored_keep(struct model *m, const char *text, size_t size)
{
	m->source = malloc(size + 1);
	if (!m->source)
		return;
	memcpy(m->source, text, size);
	m->source[size] = '\0';
	m->source_bytes = size;
	m->source_is_stored = true;
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
	if (!error)
		stored_keep(out, IMAGE_AT(image, image->config_offset, char), image->config_bytes);
	if (error)
		fail(why, EXIT_CONFLICT,
		     "the applied configuration cannot be read: line %u: %s; it may be another "
		     "version's",
		     diags.count ? diags.list[0].loc.line : 0,
		     diags.count ? diags.list[0].message : strerror(-error));
	diag_free(&diags);
	return error ? -1 : 0;
}
