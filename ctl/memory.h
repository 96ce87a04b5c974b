/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What maps take of the kernel's memory.
 */
#ifndef WEIR_MEMORY_H
#define WEIR_MEMORY_H

#include <jansson.h>
#include <stdio.h>

#include "state.h"

/*
 * One line on maps of these sizes; of parts that are switched off it is silent.
 *
 * @image_bytes  of the image that are in use
 */
void memory_print(const struct capacity *c, __u32 image_bytes, FILE *out);

/*
 * What hooks of the stack keep with sockets, which only the sockets of the host
 * bound: a line, or nothing.
 *
 * @stages  1 << WEIR_STAGE_PATH, _LOSS: what some interface asks for
 */
void memory_print_sockets(__u32 stages, FILE *out);

/* The same: {"path", "loss"}, bytes for each socket, 0 where nothing is kept. */
json_t *memory_sockets_json(__u32 stages);

/* All parts, in bytes, and "total". */
json_t *memory_json(const struct capacity *c);

#endif
