/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of check_services(). */
#ifndef WEIR_PARSER_CHECK_SERVICE_H
#define WEIR_PARSER_CHECK_SERVICE_H

#include "parser_check.h"

/* Addresses and ports: within a service, between services. */
void check_vips(struct build *b);

/* Settings that mean nothing in this service. */
void check_settings(struct build *b, const struct service *s);

/* Whether the forwarded packet gets another IP header. */
bool forward_encapsulates(enum weir_forward forward);

/* Whether the packet gets the backend's address, so that both are of one family. */
bool forward_translates(enum weir_forward forward);

/* Whether it has a limit and ports of UDP, of which it counts no new flows. */
bool service_limits_tcp_alone(const struct service *s);

/* Not the unspecified address, not multicast, not broadcast. */
bool addr_is_unicast(const __u8 addr[16]);

/* Where a statement of the service is, or the service where it is not written. */
struct loc setting_loc(const struct build *b, const struct service *s, enum service_word word);

/* Backends that are also VIPs, of any service: their packets would come back. */
void check_loops(struct build *b);

#endif
