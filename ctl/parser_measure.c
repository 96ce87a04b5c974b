// SPDX-License-Identifier: GPL-2.0-or-later
/* measure rtt, path sample 1/64; and latency { flows 65536; prefix 24 48 } */
#include "parser.h"

static bool take_measure(struct parser *p, struct interface *i)
{
	struct word kind, sample, w;
	bool is_sampled = false;

	if (!parser_take_word(p, "rtt, path or loss", &kind))
		return false;
	w = parser_word(&p->token);
	if (p->token.kind == TOKEN_WORD && word_is(&w, "sample")) {
		parser_next(p);
		is_sampled = parser_take_value(p, "a sample, as 1/64,", &sample);
	}
	build_interface_measure(&p->build, i, &kind, is_sampled ? &sample : NULL);
	return true;
}

void parser_measure(struct parser *p, struct interface *i)
{
	if (parser_at_end(p)) {
		i->measure = 1U << MEASURE_RTT;
		return;
	}
	while (take_measure(p, i) && p->token.kind == TOKEN_COMMA)
		parser_next(p);
}

static void latency_statement(struct parser *p, void *object, int word, struct loc at)
{
	struct word w, v6;

	(void)object;
	(void)at;
	switch (word) {
	case LATENCY_FLOWS:
		if (parser_take_value(p, "a number of flows", &w))
			build_latency_flows(&p->build, &w);
		break;
	case LATENCY_PREFIX:
		if (parser_take_value(p, "the prefix lengths of IPv4 and IPv6, as 24 48,", &w) &&
		    parser_take_value(p, "the prefix length of IPv6, as in \"prefix 24 48\",", &v6))
			build_latency_prefix(&p->build, &w, &v6);
		break;
	case LATENCY_PREFIXES:
		if (parser_take_value(p, "a number of prefixes", &w))
			build_latency_prefixes(&p->build, &w);
		break;
	}
}

void parser_latency(struct parser *p)
{
	static const struct block block = { &words_latency, ~0U, latency_statement };
	struct word header = { .text = "latency", .size = 7, .loc = p->keyword };
	size_t errors = p->build.diags->errors;

	if (!build_latency(&p->build, header.loc))
		return;
	parser_take_block(p, &block, &header, &p->build.model.latency);
	if (errors == p->build.diags->errors)
		build_latency_end(&p->build);
}
