/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a program of the stack must have been made for.
 */
#ifndef WEIR_STACK_LOAD_H
#define WEIR_STACK_LOAD_H

#include "state.h"
#include "weir/abi.h"

/* Of a program of @group, one bit. What its load decides, hook_* and hooks, is left 0. */
struct weir_program stack_config(__u32 group, const struct capacity *c);

#endif
