/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef WEIR_READ_CONFIG_H
#define WEIR_READ_CONFIG_H

#include "command.h"

/*
 * Read and parse the configuration @path, "-" for standard input; JSON when
 * its first character is "{", which no text can begin with. Returns 0 with @out, or -1 with the command's diags or failure.
 */
int read_config(struct command *c, const char *path, struct model *out);

#endif
