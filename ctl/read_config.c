// SPDX-License-Identifier: GPL-2.0-or-later
#include "read_config.h"

#include <errno.h>
#include <string.h>

#include "own.h"
#include "shadow.h"

/* Past this it is no configuration, but somebody's disk image. */
#define TEXT_MAX (256U << 20)

static int read_all(FILE *in, char **text, size_t *size)
{
	OWN_FREE char *buffer = NULL;
	size_t used = 0, room = 0;

	errno = 0;
	do {
		if (used == room) {
			char *grown = realloc(buffer, room ? room * 2 : 65536);

			if (!grown)
				return -ENOMEM;
			buffer = grown;
			room = room ? room * 2 : 65536;
		}
		used += fread(buffer + used, 1, room - used, in);
		if (used > TEXT_MAX)
			return -EFBIG;
	} while (!feof(in) && !ferror(in));
	if (ferror(in))
		return errno ? -errno : -EIO;
	*text = TAKE_PTR(buffer);
	*size = used;
	return 0;
}

static bool is_json(const char *text, size_t size)
{
	size_t i = 0;

	while (i < size && strchr(" \t\r\n", text[i]) && text[i])
		i++;
	return i < size && text[i] == '{';
}

const char *read_name(const char *path)
{
	return strcmp(path, "-") ? path : "(standard input)";
}

int read_text(struct command *c, const char *path, char **text, size_t *size)
{
	bool is_stdin = !strcmp(path, "-");
	OWN_FILE FILE *opened = is_stdin ? NULL : fopen(path, "re");
	int error;

	if (!is_stdin && !opened && errno == ENOENT)
		return fail(&c->why, EXIT_NOT_FOUND, "%s: no such file", path);
	if (!is_stdin && !opened)
		return fail_errno(&c->why, errno, "%s", path);
	error = read_all(is_stdin ? stdin : opened, text, size);
	return error ? fail_errno(&c->why, error, "%s", read_name(path)) : 0;
}

int read_model(struct command *c, const char *path, struct model *out)
{
	const char *name = read_name(path);
	OWN_FREE char *text = NULL;
	size_t size = 0;
	int error;

	if (read_text(c, path, &text, &size))
		return -1;
	error = is_json(text, size)
			? model_parse_json(name, text, size, &c->diags, out)
			: model_parse(name, text, size, MODEL_FILES_READ, &c->diags, out);
	if (error == -EINVAL) {
		c->why.code = EXIT_USAGE;
		return -1;
	}
	if (error)
		return fail_errno(&c->why, error, "%s", name);
	if (!is_json(text, size)) {
		out->source = TAKE_PTR(text);
		out->source_bytes = size;
	}
	return 0;
}

int read_config(struct command *c, const char *path, struct model *out)
{
	int error = read_model(c, path, out);

	if (error)
		return error;
	error = shadow_warn(out, out->source, out->source_bytes, &c->diags);
	if (error)
		return fail_errno(&c->why, error, "%s", read_name(path));
	diag_sort(&c->diags);
	return 0;
}
