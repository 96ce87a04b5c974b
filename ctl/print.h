/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pieces of canonical text, for the configuration, its difference and show.
 */
#ifndef WEIR_PRINT_H
#define WEIR_PRINT_H

#include "model.h"

/* Keywords by enum; NULL for the mode that is not written. */
extern const char *const print_action[]; /* enum weir_action */
extern const char *const print_forward[]; /* enum weir_forward */
extern const char *const print_field[]; /* enum weir_field */
extern const char *const print_xdp[]; /* enum xdp_mode */
extern const char *const print_tc[]; /* enum tc_mode */
extern const char *const print_set_type[]; /* enum set_type */

extern const char *const print_track[]; /* enum weir_track */
extern const char *const print_udp[]; /* enum weir_udp */
extern const char *const print_empty[]; /* enum weir_empty */

/* "tcp", "udp", or "any" for 0 */
const char *print_port_proto(__u8 proto);

/* @text in quotes, or as a word alone where it is one. */
void print_string(const char *text, FILE *out);
void print_word(const char *text, FILE *out);

/* Words joined by ", ": a value_text_fn and its argument. */
struct print_list {
	FILE *out;
	size_t count;
};
void print_joined(void *list, const char *word);

/* "per saddr/24/64"'s last word. */
const char *print_limit_per(const struct limit *l, char *buf, size_t size);

/* "rtt, path sample 1/64, loss"; "" when nothing is measured. */
#define MEASURE_TEXT_BYTES 48
const char *measure_text(const struct interface *i, char text[MEASURE_TEXT_BYTES]);

/* "pass tcp dport 22": action and matches, without "rule NAME". */
void print_rule(const struct rule *r, FILE *out);

/* "200/s burst 400 per saddr" */
void print_limit(const struct limit *l, FILE *out);

/* "{ 10.0.0.0/8, @office }"; without braces where it is one value. */
void print_sources(const struct match *m, FILE *out);

/* "10.0.7.11", "10.0.7.11:8443", "[2001:db8::2]:8443", "b3.example.net:8443" */
#define ENDPOINT_TEXT_BYTES (HOST_BYTES + 8)
const char *endpoint_text(const struct backend *b, char text[ENDPOINT_TEXT_BYTES]);

/* The same, and behind the name of a host what it was resolved to: "b3.example.net (10.0.7.9)". */
#define PLACE_TEXT_BYTES (ENDPOINT_TEXT_BYTES + 64)
const char *backend_place(const struct backend *b, char text[PLACE_TEXT_BYTES]);

/* "203.0.113.0/28"; an address alone where it is one. */
#define PREFIX_TEXT_BYTES 56
const char *prefix_text(const struct prefix *p, char text[PREFIX_TEXT_BYTES]);

/* "443", "8000-8999", "any"; "" for a protocol of 0, which is "any" already. */
#define PORT_TEXT_BYTES 16
const char *port_text(const struct vip_port *p, char text[PORT_TEXT_BYTES]);

/* "source/24/64" */
#define HASH_TEXT_BYTES 24
const char *hash_text(const struct service *s, char text[HASH_TEXT_BYTES]);

/* "backend b1 10.0.7.11 weight 10 drain" */
void print_backend(const struct backend *b, FILE *out);

/* "192.0.2.10, 2001:db8::/64" */
void print_addresses(const struct service *s, FILE *out);

/* "tcp 443, udp 8000-8999, any" */
void print_ports(const struct service *s, FILE *out);

/* Blocks of canonical text. */
void print_pool_block(const struct pool *p, enum model_print how, FILE *out);
void print_service_block(const struct service *s, enum model_print how, FILE *out);

#endif
