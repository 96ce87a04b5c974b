/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of model_print_json(). What they return is the caller's. */
#ifndef WEIR_JSON_MODEL_H
#define WEIR_JSON_MODEL_H

#include <jansson.h>

#include "model.h"
#include "parser_value.h"

/* A value_text_fn: @list is the array. */
void json_append_string(void *list, const char *word);

json_t *json_values(enum value_kind kind, const range *ranges, size_t count);
json_t *limit_json(const struct limit *l);
json_t *pool_json(const struct pool *p);
json_t *service_json(const struct service *s);

#endif
