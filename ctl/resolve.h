/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of backends to addresses, once, when a configuration is planned. What
 * is in force keeps the address until the configuration is applied again.
 */
#ifndef WEIR_RESOLVE_H
#define WEIR_RESOLVE_H

#include "failure.h"
#include "model.h"

/* All names of a configuration together. */
#define RESOLVE_TIMEOUT_S 10

/*
 * Fill in the address of every backend of @m that has none yet. Of several
 * addresses the lowest: of the family of the service's own addresses, or else
 * of IPv4 before IPv6; of the other one only where the forward does not keep
 * the family. A warning says that there were several, and the checks that need
 * addresses are made.
 *
 * The resolver is that of this network namespace: its resolv.conf, hosts and
 * nsswitch.conf, as ip-netns(8) has them in /etc/netns/NAME, else those in
 * /etc. It is asked in a process of its own, with RESOLVE_TIMEOUT_S to live.
 *
 * Returns 0; -1 with errors in @d, EXIT_USAGE in @why and no message there; or
 * -1 with the message of another failure.
 */
int resolve_backends(struct model *m, struct diags *d, struct failure *why);

#endif
