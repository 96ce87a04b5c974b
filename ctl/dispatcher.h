/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libxdp's dispatcher, under which several XDP programs share a device.
 */
#ifndef WEIR_DISPATCHER_H
#define WEIR_DISPATCHER_H

#include <linux/types.h>
#include <stddef.h>

/*
 * Names of the programs that the dispatcher on @ifindex runs, quoted, ", "
 * between; "" where none is attached.
 */
void dispatcher_programs(__u32 ifindex, char *names, size_t size);

#endif
