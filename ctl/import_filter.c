// SPDX-License-Identifier: GPL-2.0-or-later
/* Base chains to filters, and the configuration around them. */
#include <stdlib.h>
#include <string.h>

#include "import_flow.h"
#include "print.h"

static int compare_chains(const void *a, const void *b)
{
	const struct import_chain *x = *(struct import_chain *const *)a;
	const struct import_chain *y = *(struct import_chain *const *)b;

	if (x->hook != y->hook)
		return x->hook < y->hook ? -1 : 1;
	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	return x < y ? -1 : x > y;
}

static void collect(struct importer *im, struct import_filter *f, enum import_hook first,
		    enum import_hook last)
{
	for (size_t i = 0; i < im->chains_count; i++) {
		struct import_chain *c = &im->chains[i];

		if (c->hook < first || c->hook > last || (!c->rules_count && !c->drops))
			continue;
		*IMPORT_APPEND(im->memory, f->chains, f->chains_count) = c;
		f->families |= c->families & (IMPORT_V4 | IMPORT_V6);
	}
	if (f->chains_count)
		qsort(f->chains, f->chains_count, sizeof(struct import_chain *), compare_chains);
}

/* Sets that a rule of the configuration refers to. */
static void mark_sets(const struct import_filter *f)
{
	for (size_t i = 0; i < f->lines_count; i++) {
		for (int field = 0; field < IMPORT_FIELDS && !f->lines[i].gone; field++) {
			const struct import_cond *c = f->lines[i].match.cond[field];

			if (c && c->in)
				((struct import_set *)c->in)->used = true;
			for (size_t k = 0; c && k < c->not_in_count; k++)
				((struct import_set *)c->not_in[k])->used = true;
		}
	}
}

struct names {
	struct importer *im;
	const char **list;
	size_t count;
};

/* weir stands on loopback where a block names it; rules for "lo" seldom mean that. */
static void add_interface(struct names *n, const char *name)
{
	if (!strcmp(name, "lo"))
		return;
	for (size_t i = 0; i < n->count; i++) {
		if (!strcmp(n->list[i], name))
			return;
	}
	*IMPORT_APPEND(n->im->memory, n->list, n->count) = name;
}

static void find_interfaces(struct names *n, const struct import_filter *f)
{
	for (size_t i = 0; i < f->chains_count; i++) {
		for (size_t k = 0; k < f->chains[i]->devices_count; k++)
			add_interface(n, f->chains[i]->devices[k]);
	}
	for (size_t i = 0; i < f->lines_count; i++) {
		const struct import_cond *c = f->lines[i].match.cond[WEIR_FIELD_IFACE];

		for (size_t k = 0; c && k < c->names_count; k++)
			add_interface(n, c->names[k]);
	}
}

static void print_interfaces(struct importer *im, const struct import_filter *in,
			     const struct import_filter *out_filter, FILE *out)
{
	struct names n = { .im = im };

	find_interfaces(&n, in);
	find_interfaces(&n, out_filter);
	if (!in->chains_count && !out_filter->chains_count)
		return;
	if (!n.count) {
		fputs("# The rules name no interface; write a block for each that they are for:\n"
		      "# interface eth0 { xdp auto",
		      out);
		fputs(in->chains_count ? "; filter input" : "", out);
		fputs(out_filter->chains_count ? "; filter output egress }\n\n" : " }\n\n", out);
		return;
	}
	fputs("# The interfaces that the rules name; those that they are for may be others.\n",
	      out);
	for (size_t i = 0; i < n.count; i++) {
		fputs("interface ", out);
		print_word(n.list[i], out);
		fputs(" {\n", out);
		fputs(in->chains_count ? "    xdp auto\n    filter input\n" : "    tc auto\n", out);
		fputs(out_filter->chains_count ? "    filter output egress\n}\n\n" : "}\n\n", out);
	}
}

/* Sets of all tables share one space of names. */
static void name_sets(struct importer *im)
{
	struct import_names *names = import_names_new(im);

	for (size_t i = 0; i < im->sets_count; i++) {
		struct import_set *s = im->sets[i];
		char name[NAME_BYTES];

		import_name(name, s->name, NAME_BYTES - 24);
		if (!name[0])
			strcpy(name, "set");
		snprintf(s->target, sizeof(s->target), "%s",
			 import_name_make_unique(names, name, ""));
	}
}

static void print_sets(struct importer *im, FILE *out)
{
	for (size_t i = 0; i < im->sets_count; i++) {
		const struct import_set *s = im->sets[i];

		if (!s->used && s->written_out)
			continue;
		if (!s->used) {
			import_note(im, IMPORT_LEFT_OUT, s->line,
				    import_text(im->memory, "set %s", s->name),
				    "no rule that was translated uses it");
			continue;
		}
		import_print_set(im, s, out);
		fputc('\n', out);
	}
}

static const char *const remarks[] = {
	"# What comes in, before routing: packets that are forwarded are judged here, too.\n",
	"# What was forwarded. weir judges packets where they come in or leave; no interface uses "
	"this\n# filter yet.\n",
	"# What leaves, packets that are forwarded as well.\n",
};

int import_config(struct importer *im, FILE *out)
{
	struct import_filter f[3] = { { .name = "input" },
				      { .name = "forward" },
				      { .name = "output" } };
	bool any = false;

	collect(im, &f[0], IMPORT_INGRESS, IMPORT_INPUT);
	collect(im, &f[1], IMPORT_FORWARD, IMPORT_FORWARD);
	collect(im, &f[2], IMPORT_OUTPUT, IMPORT_EGRESS);
	for (size_t i = 0; i < 3; i++) {
		if (import_flow(im, &f[i]))
			return -1;
		import_limits(im, &f[i]);
		import_split_flags(im, &f[i]);
		mark_sets(&f[i]);
	}
	name_sets(im);
	print_interfaces(im, &f[0], &f[2], out);
	print_sets(im, out);
	for (size_t i = 0; i < 3; i++) {
		if (!f[i].chains_count)
			continue;
		fputs(any ? "\n" : "", out);
		fputs(remarks[i], out);
		import_print_filter(im, &f[i], out);
		any = true;
	}
	if (!any)
		fputs("# No rule came over.\nfilter input {\n    default pass\n}\n", out);
	return 0;
}
