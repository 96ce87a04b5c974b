/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of build_check(). */
#ifndef WEIR_PARSER_CHECK_H
#define WEIR_PARSER_CHECK_H

#include "name_index.h"
#include "parser_build.h"

/* Refuse rules that want an IPv4 source and an IPv6 destination, or the reverse. */
void check_families(struct build *b, const struct name_index *sets);

/* Refuse expressions that libpcap does, or that do not fit. */
void check_exprs(struct build *b);

/* What is allowed but is hardly meant. */
void check_warn(struct build *b);

#endif
