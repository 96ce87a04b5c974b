/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of check_services(). */
#ifndef WEIR_PARSER_CHECK_SERVICE_H
#define WEIR_PARSER_CHECK_SERVICE_H

#include "parser_check.h"

/* Addresses and ports: within a service, between services. */
void check_vips(struct build *b);

#endif
