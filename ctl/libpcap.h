/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libpcap, loaded when it is first asked for: few commands compile an expression
 * or read a capture, and it brings so many libraries with it that starting
 * without them takes half the time.
 */
#ifndef WEIR_CTL_LIBPCAP_H
#define WEIR_CTL_LIBPCAP_H

#include <pcap/pcap.h>

#define LIBPCAP_FUNCTIONS(X)    \
	X(close)                \
	X(compile)              \
	X(datalink)             \
	X(datalink_val_to_name) \
	X(freecode)             \
	X(geterr)               \
	X(lib_version)          \
	X(next_ex)              \
	X(open_dead)            \
	X(open_offline)

/* pcap_NAME() is NAME. */
struct libpcap {
#define X(name) __typeof__(pcap_##name) *name;
	LIBPCAP_FUNCTIONS(X)
#undef X
};

/*
 * Safe from several threads. NULL where there is none that fits; then, and only
 * then, @problem is in the loader's words. Both stay until the process ends.
 */
const struct libpcap *libpcap_load(const char **problem);

#endif
