/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_BPF_VERIFIER_H
#define WEIR_BPF_VERIFIER_H

/*
 * Of a static function whose callers do not look at what it returns: the compiler
 * would have it return nothing, and what is in the register then may be a pointer
 * to its stack, which the verifier refuses.
 */
#define KEEPS_RETURN __attribute__((used))

#endif
