/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Large configurations touch megabytes for the first time, at a microsecond a
 * page: as much as parsing them takes. Huge pages, where there are any, come at
 * a third of that.
 */
#ifndef WEIR_HEAP_H
#define WEIR_HEAP_H

#include <stddef.h>

/* Have malloc() take its memory in few large pieces of huge pages, and keep it. */
void heap_prepare(void);

/* Room for @bytes, to be freed by free(); in huge pages if it is large. NULL: none. */
void *heap_large(size_t bytes);

#endif
