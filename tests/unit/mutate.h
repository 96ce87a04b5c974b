/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Texts that are almost what they were.
 */
#ifndef WEIR_TEST_MUTATE_H
#define WEIR_TEST_MUTATE_H

#include <string.h>

#include "random.h"

#define MUTATE_PIECE_BYTES 16 /* that a piece has at most; a text has more */

/*
 * Put one of @pieces over what is there, another byte in its place, or take five
 * bytes out, up to four times. Returns the size that is left.
 */
static inline size_t mutate(char *text, size_t size, const char *const pieces[],
			    size_t pieces_count)
{
	for (__u32 k = random_below(4) + 1; k > 0; k--) {
		size_t at = random_below((__u32)size - MUTATE_PIECE_BYTES);
		const char *piece = pieces[random_below((__u32)pieces_count)];

		if (random_below(2))
			memcpy(text + at, piece, strlen(piece));
		else if (random_below(2))
			text[at] = (char)random_u64();
		else
			memmove(text + at, text + at + 5, (size -= 5) - at);
	}
	return size;
}

#endif
