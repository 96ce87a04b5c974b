/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A packet in words, as "weir test" takes it, made into a frame:
 *
 *     tcp from 198.51.100.7:4444 to 192.0.2.1:22 syn ttl 64
 *     tcp 198.51.100.7:4444 192.0.2.1:22
 */
#ifndef WEIR_DESCRIBE_H
#define WEIR_DESCRIBE_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "failure.h"

#define FRAME_BYTES (65536 + 64)

struct frame {
	size_t size;
	size_t lost; /* bytes behind them that a capture file does not have */
	__u8 bytes[FRAME_BYTES];
};

/*
 * @words  NULL-terminated. What is not said has a value that harms nothing:
 *         TTL 64, no payload, a first SYN where no flag is named
 * Checksums are right.
 */
int describe_frame(char *const *words, struct frame *out, struct failure *why);

/* "tcp", "icmpv6": what a packet in words begins with. */
bool describe_is_protocol(const char *word);

/* Hexadecimal bytes, with blanks and colons between them as one likes. */
int hex_frame(const char *text, struct frame *out, struct failure *why);

#endif
