// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan_ids.h"

#include <errno.h>
#include <stdlib.h>

#include "ids.h"
#include "image.h"
#include "own.h"

static struct named_id *rule_names(const struct model *m, const struct weir_image *image)
{
	struct named_id *names = calloc(model_rules_count(m) + 1, sizeof(*names)), *n = names;
	const struct weir_rule *rules =
		image ? IMAGE_AT(image, image->rules_offset, struct weir_rule) : NULL;

	for (size_t f = 0; names && f < m->filters_count; f++) {
		const struct filter *filter = &m->filters[f];

		for (size_t r = 0; r <= filter->rules_count; r++, n++) {
			n->group = filter->name;
			/* No rule can have the empty name, so the default has it. */
			n->name = r < filter->rules_count ? filter->rules[r].name : "";
			n->id = rules ? rules[n - names].id : 0;
		}
	}
	return names;
}

static struct named_id *backend_names(const struct model *m, const struct weir_image *image)
{
	struct named_id *names = calloc(model_backends_count(m) + 1, sizeof(*names)), *n = names;
	const struct weir_backend *backends =
		image ? IMAGE_AT(image, image->backends_offset, struct weir_backend) : NULL;

	for (size_t g = 0; names && g < model_groups_count(m); g++) {
		const struct backend_group group = model_group(m, g);

		for (size_t b = 0; b < group.backends_count; b++, n++) {
			n->group = group.name;
			n->kind = group.is_pool;
			n->name = group.backends[b].name;
			n->id = backends ? backends[n - names].id : 0;
		}
	}
	return names;
}

static struct named_id *service_names(const struct model *m, const struct weir_image *image)
{
	struct named_id *names = calloc(m->services_count + 1, sizeof(*names));
	const struct weir_service *services =
		image ? IMAGE_AT(image, image->services_offset, struct weir_service) : NULL;

	for (size_t i = 0; names && i < m->services_count; i++) {
		names[i].group = "";
		names[i].name = m->services[i].name;
		names[i].id = services ? services[i].id : 0;
	}
	return names;
}

/*
 * Ids for @to, which is consumed, with those of @from kept.
 * Returns one more than the highest id, or -ENOMEM.
 */
static long assign(struct named_id *from, size_t from_count, struct named_id *to, size_t to_count,
		   __u32 **ids, __u8 **is_new)
{
	OWN_FREE struct named_id *old = from, *fresh = to;
	long top;

	*ids = calloc(to_count + 1, sizeof(**ids));
	*is_new = calloc(to_count + 1, 1);
	if (!old || !fresh || !*ids || !*is_new)
		return -ENOMEM;
	top = ids_assign(old, from_count, fresh, to_count, *is_new);
	for (size_t i = 0; i < to_count; i++)
		(*ids)[i] = fresh[i].id;
	return top;
}

long plan_rule_ids(const struct model *from, const struct weir_image *image, const struct model *to,
		   __u32 **ids, __u8 **is_new)
{
	return assign(rule_names(from, image), model_rules_count(from), rule_names(to, NULL),
		      model_rules_count(to), ids, is_new);
}

long plan_backend_ids(const struct model *from, const struct weir_image *image,
		      const struct model *to, __u32 **ids, __u8 **is_new)
{
	return assign(backend_names(from, image), model_backends_count(from),
		      backend_names(to, NULL), model_backends_count(to), ids, is_new);
}

long plan_service_ids(const struct model *from, const struct weir_image *image,
		      const struct model *to, __u32 **ids, __u8 **is_new)
{
	return assign(service_names(from, image), from->services_count, service_names(to, NULL),
		      to->services_count, ids, is_new);
}
