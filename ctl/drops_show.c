// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * show drops: what the kernel's hooks counted, and what is seen of loss on the
 * way by the packets that are timed.
 */
#include <errno.h>

#include "command.h"
#include "drops.h"
#include "drops_show.h"
#include "losses.h"
#include "own.h"

#define FLOWS_SHOWN 20

bool drops_are_measured(const struct applied *a, struct failure *why)
{
	const struct model *m = &a->model;

	for (size_t i = 0; i < m->interfaces_count; i++) {
		if (m->interfaces[i].measure & 1U << MEASURE_LOSS)
			return true;
	}
	fail(why, EXIT_PRECONDITION,
	     "no interface has its losses measured; write \"measure rtt, loss\" in an interface "
	     "block and apply");
	return false;
}

static void print_not_kept(const struct weir_path_cpu *n, FILE *out)
{
	const char *remedy = "";

#define X(sym, entries, text)                                                                   \
	if (n->sym) {                                                                           \
		fprintf(out, "%llu " text "\n", n->sym, (unsigned int)(entries));               \
		remedy = "\"weir latency reset\" empties the tables; \"weir top drops\" shows " \
			 "what is lost now\n";                                                  \
	}
	DROPS_NOT_KEPT(X)
#undef X
	fputs(remedy, out);
}

static json_t *not_kept_json(const struct weir_path_cpu *n)
{
	json_t *o = json_object();

#define X(sym, entries, text) json_object_set_new(o, #sym, json_integer((json_int_t)n->sym));
	DROPS_NOT_KEPT(X)
#undef X
	return o;
}

void drops_and_losses_print(const struct drops *d, const struct losses *l, FILE *out)
{
	drops_print(d, FLOWS_SHOWN, out);
	print_not_kept(&d->counted, out);
	fputc('\n', out);
	if (l->count)
		losses_print(l, out);
	else
		fputs("Zero windows, duplicate acknowledgements, segments out of order and "
		      "handshakes are counted with \"measure rtt, loss\".\n",
		      out);
}

json_t *drops_and_losses_json(const struct drops *d, const struct losses *l)
{
	json_t *all = drops_json(d);

	json_object_set_new(all, "losses", losses_json(l));
	json_object_set_new(all, "not_kept", not_kept_json(&d->counted));
	return all;
}

int show_drops(struct command *c, const struct applied *a, const char *name)
{
	OWN(losses_free) struct losses losses = {};
	OWN(drops_free) struct drops d = {};

	if (name) {
		fail(&c->why, EXIT_USAGE, "usage: weir show drops");
		return command_failed(c);
	}
	if (!drops_are_measured(a, &c->why) || drops_read(a, &d, &c->why))
		return command_failed(c);
	if (losses_read(a, NULL, &losses)) {
		fail_errno(&c->why, ENOMEM, "cannot read what was lost");
		return command_failed(c);
	}
	drop_reasons_read(&d.reasons);
	drops_set_apart(&d);
	if (c->json)
		return json_print(drops_and_losses_json(&d, &losses));
	drops_and_losses_print(&d, &losses, stdout);
	return EXIT_DONE;
}
