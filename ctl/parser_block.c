// SPDX-License-Identifier: GPL-2.0-or-later
/* interface and set */
#include "parser.h"

#include <string.h>

/* A mode that may be left out: "xdp" is "xdp auto". Index in the vocabulary, or -1. */
static int take_mode(struct parser *p, const struct vocabulary *modes)
{
	struct word w;

	if (parser_at_end(p))
		return 0;
	if (!parser_take_value(p, modes->what, &w))
		return -1;
	return build_keyword(&p->build, &w, modes);
}

static void take_xdp(struct parser *p, struct interface *i)
{
	int mode = take_mode(p, &words_xdp);
	struct word w = parser_word(&p->token);

	if (mode >= 0)
		i->xdp = XDP_MODE_AUTO + (enum xdp_mode)mode;
	else
		i->xdp = XDP_MODE_AUTO; /* no second error for a mode that is missing */
	if (p->token.kind == TOKEN_WORD && word_is(&w, "share"))
		build_keyword(&p->build, &w, &words_xdp);
}

/* "filter NAME" of what comes in, "filter NAME egress" of what leaves; one each. */
static void take_filter(struct parser *p, struct interface *i, struct loc at)
{
	struct word name, side;
	bool is_egress;

	if (!parser_take_value(p, "a filter name", &name))
		return;
	side = parser_word(&p->token);
	is_egress = p->token.kind == TOKEN_WORD && word_is(&side, "egress");
	if (is_egress)
		parser_next(p);
	else if (!parser_at_end(p))
		parser_expected(p, "\"egress\" or the end of the statement");
	if (is_egress ? i->filter_egress[0] : i->filter[0])
		build_error(&p->build, at, NULL,
			    "interface %s has \"filter NAME%s\" twice; keep one", i->pattern,
			    is_egress ? " egress" : "");
	else if (is_egress)
		build_interface_egress(&p->build, i, &name);
	else
		build_interface_filter(&p->build, i, &name);
}

static void interface_statement(struct parser *p, void *object, int word, struct loc at)
{
	struct interface *i = object;
	int mode;

	switch (word) {
	case IF_XDP:
		take_xdp(p, i);
		break;
	case IF_TC:
		mode = take_mode(p, &words_tc);
		i->tc = TC_MODE_AUTO + (enum tc_mode)(mode < 0 ? 0 : mode);
		break;
	case IF_FILTER:
		take_filter(p, i, at);
		break;
	case IF_BALANCE:
		i->balance = true;
		break;
	case IF_DECAP:
		i->decap = true;
		break;
	case IF_MEASURE:
		parser_measure(p, i);
		break;
	case IF_RETURN:
		i->takes_returns = true;
		break;
	}
}

bool parser_take_header(struct parser *p, const char *what, struct word *name)
{
	if (parser_take_word(p, what, name))
		return true;
	p->build.names_lost = true;
	return false;
}

void parser_interface(struct parser *p)
{
	static const struct block block = { &words_interface, ~(1U << IF_FILTER),
					    interface_statement };
	struct interface *i;
	struct word name;

	if (!parser_take_header(p, "an interface name", &name))
		return;
	i = build_interface(&p->build, &name);
	parser_take_block(p, &block, &name, i);
	if (i)
		build_interface_end(&p->build, i);
}

static void add_element(struct parser *p, void *arg, const struct word *w)
{
	build_set_element(&p->build, arg, w);
}

static void set_statement(struct parser *p, void *object, int word, struct loc at)
{
	struct set *s = object;
	struct word w;
	int type;

	(void)at;
	switch (word) {
	case SET_WORD_TYPE:
		if (!parser_take_value(p, "a set type", &w))
			return;
		type = build_keyword(&p->build, &w, &words_set_type);
		s->type = type < 0 ? SET_TYPE_REFUSED : (enum set_type)type;
		break;
	case SET_WORD_FILE:
		if (parser_take_value(p, "a file name", &w))
			build_set_file(&p->build, s, &w);
		break;
	case SET_WORD_TIMEOUT:
		if (parser_take_value(p, "a timeout", &w))
			build_set_timeout(&p->build, s, &w);
		break;
	case SET_WORD_ELEMENTS:
		parser_take_values(p, "an element", add_element, s);
		break;
	}
}

void parser_set(struct parser *p)
{
	static const struct block block = { &words_set, ~0U, set_statement };
	size_t errors = p->build.diags->errors;
	unsigned int written;
	struct word name;
	struct set *s;

	if (!parser_take_header(p, "a set name", &name))
		return;
	s = build_set(&p->build, &name);
	written = parser_take_block(p, &block, &name, s);
	if (s && errors == p->build.diags->errors)
		build_set_end(&p->build, s, written);
}
