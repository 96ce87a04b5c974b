/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small image of services whose packets are translated.
 */
#ifndef WEIR_TEST_NAT_WORLD_H
#define WEIR_TEST_NAT_WORLD_H

#include "weir/image.h"
#include "weir/nat.h"

#define NAT_WORLD_BACKENDS 16
#define NAT_WORLD_SERVICES 4
#define NAT_WORLD_SOURCES 64 /* a power of two */
#define NAT_WORLD_MASK 4095

struct nat_world {
	struct weir_image image;
	__u32 backend_by_id[NAT_WORLD_BACKENDS];
	struct weir_backend backends[NAT_WORLD_BACKENDS];
	struct weir_service services[NAT_WORLD_SERVICES];
	__u8 sources[NAT_WORLD_SOURCES][16]; /* of services, IPv4 first */
	__u8 table[NAT_WORLD_SOURCES][16]; /* by hash */
	__u8 rest[2 * (NAT_WORLD_MASK + 1)]; /* what an object at any masked offset lies in */
};

#endif
