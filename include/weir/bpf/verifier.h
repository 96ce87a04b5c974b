/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_BPF_VERIFIER_H
#define WEIR_BPF_VERIFIER_H

/*
 * Of a static function whose callers do not look at what it returns: the compiler
 * would have it return nothing, and what is in the register then may be a pointer
 * to its stack, which the verifier refuses.
 */
#define KEEPS_RETURN __attribute__((used))

/*
 * The compiler ends what leads to @number before it begins what follows. One that
 * goes through a line's parts at once needs more stack than a chain of calls may have.
 */
#define KEEP_APART(number) asm volatile("" : "+r"(number) : : "memory")

#endif
