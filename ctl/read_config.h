/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef WEIR_READ_CONFIG_H
#define WEIR_READ_CONFIG_H

#include "command.h"

/*
 * Read and parse the configuration @path, "-" for standard input; JSON when
 * its first character is "{", which no text can begin with. Returns 0 with @out, or -1 with the command's diags or failure.
 */
int read_config(struct command *c, const char *path, struct model *out);

/* The same without looking for rules that can never match. */
int read_model(struct command *c, const char *path, struct model *out);

/*
 * The bytes of file @path, "-" for standard input, to be freed. Returns 0, or
 * -1 with the command's failure.
 */
int read_text(struct command *c, const char *path, char **text, size_t *size);

/* How messages call @path. */
const char *read_name(const char *path);

#endif
