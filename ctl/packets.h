/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packets of a capture file, as Ethernet frames.
 */
#ifndef WEIR_PACKETS_H
#define WEIR_PACKETS_H

#include "describe.h"

struct packets;

/* pcap or pcapng; of Ethernet, raw IP or Linux cooked captures. NULL with @why. */
struct packets *packets_open(const char *path, struct failure *why);
void packets_close(struct packets *p);

/*
 * Returns 1 with the next packet, 0 at the end, or -1. A packet of which the
 * file has only the beginning is one that is as long as that; out->lost says
 * how many bytes of it are missing.
 */
int packets_next(struct packets *p, struct frame *out, struct failure *why);

#endif
