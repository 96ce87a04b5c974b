/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef WEIR_IMPORT_NFT_JSON_H
#define WEIR_IMPORT_NFT_JSON_H

#include <jansson.h>
#include <stdio.h>

/* Print @text as one word or string of nft's language. */
void nft_json_word(const char *text, FILE *out);

/* A value, an expression that is compared, a list: see libnftables-json(5). */
void nft_json_value(const json_t *value, FILE *out, unsigned int depth);

/* One statement of a rule. */
void nft_json_statement(const json_t *statement, FILE *out);

#endif
