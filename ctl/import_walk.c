// SPDX-License-Identifier: GPL-2.0-or-later
#include "import_walk.h"

#include <stdarg.h>

#include "import_cond.h"

static const char *consequence(const struct import_rule *r)
{
	switch (r->verdict) {
	case IMPORT_ACCEPT:
		return "; what it accepted goes on to the rules behind it";
	case IMPORT_DROP:
	case IMPORT_REJECT:
		return "; what it dropped goes on to the rules behind it";
	case IMPORT_RETURN:
		return "; what it sent back meets the rest of its chain";
	case IMPORT_JUMP:
	case IMPORT_GOTO:
		return "; the chain is not entered from here";
	default:
		return "";
	}
}

void import_tell(struct importer *im, struct import_rule *r, const char *why, ...)
{
	char text[512];
	va_list args;

	if (r->told)
		return;
	va_start(args, why);
	vsnprintf(text, sizeof(text), why, args);
	va_end(args);
	import_note(im, IMPORT_LEFT_OUT, r->line, r->text, "%s%s", text, consequence(r));
	r->told = true;
}

void import_tell_change(struct import_walk *w, struct import_rule *r, const char *what)
{
	if (!r->told)
		import_note(w->im, IMPORT_CHANGED, r->line, r->text, "%s", what);
	r->told = true;
}

/* What chain @i is for, where the filter is for more than that. */
struct import_match import_scope(struct import_walk *w, size_t i)
{
	const struct import_chain *c = w->filter->chains[i];
	unsigned int families = c->families & (IMPORT_V4 | IMPORT_V6);
	struct import_match m = {};
	__u32 type = families == IMPORT_V4 ? ETHERTYPE_IP4 : ETHERTYPE_IP6;

	if (families != w->filter->families)
		m.cond[WEIR_FIELD_ETHERTYPE] = import_cond_number(w->im, type, type);
	if (c->devices_count && w->filter->chains_count > 1)
		m.cond[WEIR_FIELD_IFACE] = import_cond_names(w->im, c->devices, c->devices_count);
	return m;
}

/* A condition on the frame would make weir judge ARP, which an IP chain never saw. */
static void keep_to_ip(struct import_walk *w, struct import_match *m)
{
	range both[2];
	size_t count = 0;

	if (w->filter->families & IMPORT_V4)
		range_set(&both[count++], ETHERTYPE_IP4, ETHERTYPE_IP4);
	if (w->filter->families & IMPORT_V6)
		range_set(&both[count++], ETHERTYPE_IP6, ETHERTYPE_IP6);
	m->cond[WEIR_FIELD_ETHERTYPE] = import_cond_ranges(w->im, both, count);
}

static bool has_layer2(const struct import_match *m)
{
	return m->cond[WEIR_FIELD_SMAC] || m->cond[WEIR_FIELD_DMAC] || m->cond[WEIR_FIELD_VLAN];
}

/* Only frames that are IP can have what @m asks for. */
static bool asks_for_ip(const struct import_match *m)
{
	for (int f = 0; f < IMPORT_FIELDS; f++) {
		if (m->cond[f] && f != WEIR_FIELD_IFACE)
			return true;
	}
	return false;
}

struct import_line *import_emit(struct import_walk *w, const struct import_match *m,
				enum weir_action action, struct import_rule *from)
{
	static const char arp[] = "weir leaves frames alone that are not IP, ARP among them";
	struct import_filter *f = w->filter;
	const struct import_chain *chain = f->chains[w->base];
	struct import_line *line = IMPORT_APPEND(w->im->memory, f->lines, f->lines_count);

	*line = (struct import_line){ .match = *m, .action = action, .from = from, .chain = chain };
	if (!(chain->families & IMPORT_FRAMES)) {
		if (has_layer2(m) && !m->cond[WEIR_FIELD_ETHERTYPE])
			keep_to_ip(w, &line->match);
	} else if (action == WEIR_ACTION_DROP && !asks_for_ip(m) && from) {
		import_tell_change(w, from, arp);
	}
	if (from)
		from->written = true;
	return line;
}

/* No base chain behind this one sees its packets. */
bool import_is_last(const struct import_walk *w, size_t base)
{
	unsigned int families = w->filter->chains[base]->families & w->filter->families;

	for (size_t i = base + 1; i < w->filter->chains_count; i++) {
		if (w->filter->chains[i]->families & families)
			return false;
	}
	return true;
}
