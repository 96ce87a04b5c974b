/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ids of a model's objects: those that they have in the image in force, by name.
 */
#ifndef WEIR_PLAN_IDS_H
#define WEIR_PLAN_IDS_H

#include "model.h"
#include "weir/image.h"

/*
 * Ids for the rules (each filter's default behind its own), the backends (of
 * the model's groups) or the services of @to.
 *
 * @from    what @image was built from; empty where @image is NULL
 * @is_new  1 for each whose id is not that of the same name in @from
 *
 * Returns one more than the highest id of both, or -ENOMEM; in both cases the
 * caller frees what @ids and @is_new point to.
 */
long plan_rule_ids(const struct model *from, const struct weir_image *image, const struct model *to,
		   __u32 **ids, __u8 **is_new);
long plan_backend_ids(const struct model *from, const struct weir_image *image,
		      const struct model *to, __u32 **ids, __u8 **is_new);
long plan_service_ids(const struct model *from, const struct weir_image *image,
		      const struct model *to, __u32 **ids, __u8 **is_new);

#endif
