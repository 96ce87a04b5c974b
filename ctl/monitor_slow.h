/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef WEIR_MONITOR_SLOW_H
#define WEIR_MONITOR_SLOW_H

#include "command.h"

/* "monitor slow". Returns an exit code. */
int monitor_slow(struct command *c);

#endif
