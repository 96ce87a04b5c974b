/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a program of the stack must have been made for.
 */
#ifndef WEIR_STACK_LOAD_H
#define WEIR_STACK_LOAD_H

#include "state.h"
#include "weir/abi.h"

/*
 * Of a program of @group, one bit. Left 0: services, the hooks that were loaded
 * with it, 1 << enum stack_hook; and exprs, a number of that load.
 */
struct weir_program stack_config(__u32 group, const struct capacity *c);

#endif
