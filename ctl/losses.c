// SPDX-License-Identifier: GPL-2.0-or-later
/* What is counted beside round-trip times: what was lost, and what could not be timed. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
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

static struct weir_loss read_losses(const struct applied *a, __u32 slot,
				    enum weir_direction direction)
{
	int cpus = libbpf_num_possible_cpus();
	OWN_FREE struct weir_loss *parts = calloc(cpus > 0 ? cpus : 1, sizeof(*parts));
	__u32 index = slot * WEIR_DIR_COUNT + direction;
	struct weir_loss sum = {};

	if (!parts || bpf_map_lookup_elem(a->state.maps.fd[WEIR_MAP_LOSSES], &index, parts))
		return sum;
	for (int cpu = 0; cpu < cpus; cpu++) {
		for (int i = 0; i < WEIR_LOSS_COUNT; i++)
			sum.count[i] += parts[cpu].count[i];
	}
	return sum;
}

/* What is not zero, in one line. */
static void print_counts(const struct measured *m, const char *who, const struct weir_loss *l,
			 int first, int end, FILE *out)
{
	char text[16];
	int shown = 0;

	fprintf(out, "%s  %s", m->name, who);
	for (int i = first; i < end; i++) {
		if (l->count[i] && ++shown)
			fprintf(out, "  %s %s", losses[i].name,
				count_text(l->count[i], text, sizeof(text)));
	}
	fputs(shown ? "\n" : "  nothing\n", out);
}

static void print_part(const struct applied *a, const char *only, int first, int end, FILE *out)
{
	struct measured m = {};

	for (; measured_next(a, &m); m.slot++) {
		if (only && strcmp(only, m.name) != 0)
			continue;
		for (int d = 0; d < WEIR_DIR_COUNT; d++) {
			struct weir_loss l = read_losses(a, m.slot, d);

			print_counts(&m, direction_names[d], &l, first, end, out);
		}
	}
}

void losses_print(const struct applied *a, const char *only, FILE *out)
{
	fputs("\nLost and refused, by who sent it: the wire or the host\n", out);
	print_part(a, only, 0, FIRST_OF_TABLES, out);
	fputs("\nFlows timed, and what was not\n", out);
	print_part(a, only, FIRST_OF_TABLES, WEIR_LOSS_COUNT, out);
}

json_t *losses_json(const struct applied *a, const char *only)
{
	json_t *list = json_array();
	struct measured m = {};

	for (; measured_next(a, &m); m.slot++) {
		if (only && strcmp(only, m.name) != 0)
			continue;
		for (int d = 0; d < WEIR_DIR_COUNT; d++) {
			struct weir_loss l = read_losses(a, m.slot, d);
			json_t *entry = json_pack("{s:s,s:s}", "interface", m.name, "sender",
						  direction_names[d]);

			for (int i = 0; i < WEIR_LOSS_COUNT; i++)
				json_object_set_new(entry, losses[i].name,
						    json_integer((json_int_t)l.count[i]));
			json_array_append_new(list, entry);
		}
	}
	return list;
}
