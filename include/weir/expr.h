/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the datapath and user space agree on about pcap-filter(7) expressions:
 * a condition carries the id of an expression, a hash of its text, and the
 * program has the code for each id.
 */
#ifndef WEIR_EXPR_H
#define WEIR_EXPR_H

/* Different expressions of one filter. */
#define WEIR_EXPR_MAX 64

/*
 * Instructions that the object file holds a place for. While a change is under
 * way a program has the old filter's expressions and the new one's, so one
 * filter may take half. Jumps reach 32,767.
 */
#define WEIR_EXPR_INSNS 16384
#define WEIR_EXPR_FILTER_INSNS (WEIR_EXPR_INSNS / 2)

/* Headers of a chain that "protochain" follows; at the next one it does not match. */
#define WEIR_EXPR_CHAIN_MAX 16

#endif
