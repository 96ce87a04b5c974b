/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What libpcap itself says of a frame; and random expressions to ask it about.
 * Apart from the tests, because its headers and the kernel's exclude one another.
 */
#ifndef WEIR_TEST_EXPR_ORACLE_H
#define WEIR_TEST_EXPR_ORACLE_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

struct oracle;

/* NULL where libpcap refuses @text. */
struct oracle *oracle_compile(const char *text);
bool oracle_matches(const struct oracle *o, const __u8 *frame, size_t bytes);
void oracle_free(struct oracle *o);

#define EXPR_TEXT_BYTES 1024

/* Most compile; they name addresses and ports of generate_frame(). */
void generate_expr(char text[EXPR_TEXT_BYTES]);

#endif
