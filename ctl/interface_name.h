/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an interface can be called.
 */
#ifndef WEIR_INTERFACE_NAME_H
#define WEIR_INTERFACE_NAME_H

#include <stdbool.h>
#include <stddef.h>

/* What is wrong with a name, or a pattern of names, of @size bytes; NULL when nothing is. */
const char *interface_name_wrong(const char *name, size_t size);

/* Whether "*" or "?" in it make @name a pattern. */
bool interface_name_is_pattern(const char *name);

#endif
