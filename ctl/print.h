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

/* "tcp" or "udp" */
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

/* "pass tcp dport 22": action and matches, without "rule NAME". */
void print_rule(const struct rule *r, FILE *out);

/* "backend b1 10.0.7.11 weight 10 drain" */
void print_backend(const struct backend *b, FILE *out);

/* "192.0.2.10, 2001:db8::1" */
void print_addresses(const struct service *s, FILE *out);

/* "tcp 443, udp 443" */
void print_ports(const struct service *s, FILE *out);

#endif
