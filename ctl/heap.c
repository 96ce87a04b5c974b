// SPDX-License-Identifier: GPL-2.0-or-later
#include "heap.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE_PAGE ((size_t)2 << 20)
#define HEAP_STEP (16 * HUGE_PAGE)

/* Where a system has no huge pages, or none free, the memory is as good as any other. */
static void want_huge_pages(uintptr_t from, uintptr_t to)
{
	from = (from + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
	to &= ~(HUGE_PAGE - 1);
	if (from < to)
		madvise((void *)from, to - from, MADV_HUGEPAGE);
}

void heap_prepare(void)
{
#ifdef __GLIBC__
	uintptr_t top = (uintptr_t)sbrk(0);
	void *volatile grown; /* or the compiler leaves out what is freed unused */

	mallopt(M_TOP_PAD, HEAP_STEP);
	mallopt(M_TRIM_THRESHOLD, 2 * HEAP_STEP);
	mallopt(M_MMAP_THRESHOLD, HEAP_STEP / 2);
	/* More than is left of the heap makes it grow. */
	grown = malloc(HUGE_PAGE / 2);
	free(grown);
	want_huge_pages(top, (uintptr_t)sbrk(0));
#endif
}

void *heap_large(size_t bytes)
{
	void *room;

	if (bytes < HUGE_PAGE)
		return malloc(bytes);
	bytes = (bytes + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
	room = aligned_alloc(HUGE_PAGE, bytes);
	if (room)
		want_huge_pages((uintptr_t)room, (uintptr_t)room + bytes);
	return room;
}
