// SPDX-License-Identifier: GPL-2.0-or-later
#include "losses.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "latency.h"
#include "own.h"

static const struct {
	const char *name, *text;
} losses[WEIR_LOSS_COUNT] = {
#define X(sym, name, text) [WEIR_LOSS_##sym] = { name, text },
	WEIR_LOSSES(X)
#undef X
};

/* From here on the list is about weir's own tables. */
#define FIRST_OF_TABLES WEIR_LOSS_FLOW

void losses_free(struct losses *l)
{
	free(l->list);
	*l = (struct losses){};
}

static struct weir_loss read_one(const struct state *s, __u32 index, struct weir_loss *parts,
				 int cpus)
{
	struct weir_loss sum = {};

	if (bpf_map_lookup_elem(s->maps.fd[WEIR_MAP_LOSSES], &index, parts))
		return sum;
	for (int cpu = 0; cpu < cpus; cpu++) {
		for (int i = 0; i < WEIR_LOSS_COUNT; i++)
			sum.count[i] += parts[cpu].count[i];
	}
	return sum;
}

struct weir_loss losses_of(const struct state *s, __u32 slot, enum weir_direction sender)
{
	int cpus = libbpf_num_possible_cpus();
	OWN_FREE struct weir_loss *parts = calloc(cpus > 0 ? cpus : 1, sizeof(*parts));

	if (!parts)
		return (struct weir_loss){};
	return read_one(s, slot * WEIR_DIR_COUNT + sender, parts, cpus);
}

int losses_read(const struct applied *a, const char *only, struct losses *out)
{
	int cpus = libbpf_num_possible_cpus();
	OWN_FREE struct weir_loss *parts = calloc(cpus > 0 ? cpus : 1, sizeof(*parts));
	OWN(losses_free) struct losses l = { .flows = latency_flows(&a->model) };
	struct measured m = {};

	if (!parts)
		return -ENOMEM;
	for (; measured_next(a, &m); m.slot++) {
		struct loss_row *grown;

		if (only && strcmp(only, m.name) != 0)
			continue;
		grown = reallocarray(l.list, l.count + WEIR_DIR_COUNT, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		l.list = grown;
		for (int d = 0; d < WEIR_DIR_COUNT; d++) {
			struct loss_row *r = &l.list[l.count++];

			memcpy(r->interface, m.name, sizeof(r->interface));
			r->sender = d;
			r->seen = read_one(&a->state, m.slot * WEIR_DIR_COUNT + d, parts, cpus);
		}
	}
	*out = l;
	l = (struct losses){};
	return 0;
}

int losses_copy(const struct losses *l, struct losses *out)
{
	struct loss_row *list = calloc(l->count + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	if (l->count)
		memcpy(list, l->list, l->count * sizeof(*list));
	*out = *l;
	out->list = list;
	return 0;
}

void losses_since(struct losses *l, const struct losses *before)
{
	for (size_t i = 0; i < l->count; i++) {
		struct loss_row *r = &l->list[i];

		for (size_t b = 0; b < before->count; b++) {
			const struct loss_row *was = &before->list[b];

			if (was->sender != r->sender || strcmp(was->interface, r->interface) != 0)
				continue;
			/* What fell was set to zero in between. */
			for (int k = 0; k < WEIR_LOSS_COUNT; k++)
				if (r->seen.count[k] >= was->seen.count[k])
					r->seen.count[k] -= was->seen.count[k];
		}
	}
}

/* What is not zero, in one line. */
static void print_counts(const struct loss_row *r, int first, int end, FILE *out)
{
	char text[16];
	int shown = 0;

	fprintf(out, "%s  %s", r->interface, direction_names[r->sender]);
	for (int i = first; i < end; i++) {
		if (r->seen.count[i] && ++shown)
			fprintf(out, "  %s %s", losses[i].name,
				count_text(r->seen.count[i], text, sizeof(text)));
	}
	fputs(shown ? "\n" : "  nothing\n", out);
}

void losses_print(const struct losses *l, FILE *out)
{
	fputs("Lost and refused, by who sent it: the wire or the host\n", out);
	for (size_t i = 0; i < l->count; i++)
		print_counts(&l->list[i], 0, FIRST_OF_TABLES, out);
}

static __u64 sum_of(const struct losses *l, enum weir_loss_kind kind)
{
	__u64 sum = 0;

	for (size_t i = 0; i < l->count; i++)
		sum += l->list[i].seen.count[kind];
	return sum;
}

static void print_remedies(const struct losses *l, FILE *out)
{
	__u64 evicted = sum_of(l, WEIR_LOSS_EVICTED), stamps = sum_of(l, WEIR_LOSS_STAMP_LOST);
	__u64 unmatched = sum_of(l, WEIR_LOSS_UNMATCHED);

	if (evicted || stamps)
		fprintf(out,
			"  too many at a time for the tables: %llu live flows and %llu stamps gave "
			"way; write \"latency { flows %u }\" or more\n",
			evicted, stamps, 2 * l->flows);
	if (sum_of(l, WEIR_LOSS_PREFIX_EVICTED))
		fputs("  prefixes gave way to others; give \"prefixes\" of \"latency\" a larger "
		      "number, or shorter prefixes\n",
		      out);
	/* Some are of flows that were open before; more than one for each are not. */
	if (unmatched > sum_of(l, WEIR_LOSS_FLOW))
		fputs("  more answers than flows answer to nothing that was seen: does the other "
		      "direction pass elsewhere?\n",
		      out);
}

void losses_print_untimed(const struct losses *l, FILE *out)
{
	fputs("Flows timed, and what was not\n", out);
	for (size_t i = 0; i < l->count; i++)
		print_counts(&l->list[i], FIRST_OF_TABLES, WEIR_LOSS_COUNT, out);
	print_remedies(l, out);
}

json_t *losses_json(const struct losses *l)
{
	json_t *list = json_array();

	for (size_t i = 0; i < l->count; i++) {
		const struct loss_row *r = &l->list[i];
		json_t *entry = json_pack("{s:s,s:s}", "interface", r->interface, "sender",
					  direction_names[r->sender]);

		for (int k = 0; k < WEIR_LOSS_COUNT; k++)
			json_object_set_new(entry, losses[k].name,
					    json_integer((json_int_t)r->seen.count[k]));
		json_array_append_new(list, entry);
	}
	return list;
}
