/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What SYN cookies ask of the kernel.
 */
#ifndef WEIR_CTL_SYNCOOKIE_H
#define WEIR_CTL_SYNCOOKIE_H

/*
 * Whether XDP programs may have the kernel make and check SYN cookies: since
 * Linux 6.0, with CONFIG_SYN_COOKIES. Loads a program that does so.
 *
 * Returns 0, or -errno of what the kernel said to it.
 */
int syncookie_probe(void);

#endif
