// SPDX-License-Identifier: GPL-2.0-or-later
/* The JSON twin to a model, through the setters that the text parser uses. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "json_node.h"

NODE_KEYS(root_keys, "interfaces", "sets", "filters", "pools", "services", "latency");
NODE_KEYS(interface_keys, "name", "xdp", "tc", "filter", "filter_egress", "balance", "decap",
	  "measure", "path_sample", "return");
NODE_KEYS(latency_keys, "flows", "prefix", "prefixes");
NODE_KEYS(set_keys, "name", "type", "file", "elements", "timeout");

static void add_measure(struct build *b, void *arg, const struct word *w)
{
	build_interface_measure(b, arg, w, NULL);
}

static void import_measure(struct build *b, struct interface *i, const struct node *n)
{
	struct node measure = node_member(b, n, "measure");
	struct node sample = node_member_of(b, n, "path_sample", JSON_INTEGER);

	if (measure.json && json_is_array(measure.json))
		node_each_value(b, &measure, add_measure, i);
	else if (node_is_true(b, n, "measure"))
		i->measure = 1U << MEASURE_RTT;
	if (sample.json && !(i->measure & 1U << MEASURE_PATH))
		build_error(b, sample.at, NULL,
			    "only path is sampled; add \"path\" to \"measure\"");
	else if (sample.json)
		build_path_sample(b, i, sample.at, json_integer_value(sample.json));
}

static void import_flows(struct build *b, void *arg, const struct word *w)
{
	(void)arg;
	build_latency_flows(b, w);
}

static void import_prefixes(struct build *b, void *arg, const struct word *w)
{
	(void)arg;
	build_latency_prefixes(b, w);
}

struct prefix_words {
	struct word word[2];
	char text[2][WORD_TEXT_BYTES];
	size_t count;
};

static void keep_prefix(struct build *b, void *arg, const struct word *w)
{
	struct prefix_words *p = arg;

	(void)b;
	if (p->count < 2) {
		word_text(w, p->text[p->count], WORD_TEXT_BYTES);
		p->word[p->count] = *w;
		p->word[p->count].text = p->text[p->count];
		p->word[p->count].size = strlen(p->text[p->count]);
	}
	p->count++;
}

static void import_latency(struct build *b, const struct node *root)
{
	struct node n = node_member_of(b, root, "latency", JSON_OBJECT), value;
	struct prefix_words prefix = { .count = 0 };

	if (!n.json || !node_has_only(b, &n, &latency_keys) || !build_latency(b, n.at))
		return;
	value = node_member(b, &n, "flows");
	if (value.json)
		node_one_value(b, &value, import_flows, NULL);
	value = node_member_of(b, &n, "prefix", JSON_ARRAY);
	if (value.json) {
		node_each_value(b, &value, keep_prefix, &prefix);
		if (prefix.count == 2)
			build_latency_prefix(b, &prefix.word[0], &prefix.word[1]);
		else
			build_error(b, value.at, NULL,
				    "write the lengths of IPv4 and IPv6, as in [24, 48]");
	}
	value = node_member(b, &n, "prefixes");
	if (value.json)
		node_one_value(b, &value, import_prefixes, NULL);
	build_latency_end(b);
}

static void import_interface(struct build *b, void *arg, const struct node *n)
{
	struct interface *i;
	struct word w;
	int mode;

	(void)arg;
	if (!node_has_only(b, n, &interface_keys) || !node_required(b, n, "name", &w))
		return;
	i = build_interface(b, &w);
	if (!i)
		return;
	if (node_optional(b, n, "xdp", &w)) {
		mode = build_keyword(b, &w, &words_xdp);
		i->xdp = XDP_MODE_AUTO + (enum xdp_mode)(mode < 0 ? 0 : mode);
	}
	if (node_optional(b, n, "tc", &w)) {
		mode = build_keyword(b, &w, &words_tc);
		i->tc = TC_MODE_AUTO + (enum tc_mode)(mode < 0 ? 0 : mode);
	}
	if (node_optional(b, n, "filter", &w))
		build_interface_filter(b, i, &w);
	if (node_optional(b, n, "filter_egress", &w))
		build_interface_egress(b, i, &w);
	i->balance = node_is_true(b, n, "balance");
	i->decap = node_is_true(b, n, "decap");
	import_measure(b, i, n);
	i->takes_returns = node_is_true(b, n, "return");
	build_interface_end(b, i);
}

static void add_element(struct build *b, void *arg, const struct word *w)
{
	build_set_element(b, arg, w);
}

static void import_set(struct build *b, void *arg, const struct node *n)
{
	struct node elements;
	unsigned int written = 0;
	struct set *s;
	struct word w;
	int type;

	(void)arg;
	if (!node_has_only(b, n, &set_keys) || !node_required(b, n, "name", &w) ||
	    !(s = build_set(b, &w))) {
		b->names_lost = true;
		return;
	}
	if (node_required(b, n, "type", &w)) {
		type = build_keyword(b, &w, &words_set_type);
		s->type = type < 0 ? SET_TYPE_REFUSED : (enum set_type)type;
	}
	elements = node_member_of(b, n, "elements", JSON_ARRAY);
	if (elements.json) {
		written |= 1U << SET_WORD_ELEMENTS;
		node_each_value(b, &elements, add_element, s);
	}
	if (node_optional(b, n, "file", &w)) {
		written |= 1U << SET_WORD_FILE;
		build_set_file(b, s, &w);
	}
	if (node_optional(b, n, "timeout", &w))
		build_set_timeout(b, s, &w);
	/* with its elements beside it, a file need not be read */
	b->files = elements.json ? MODEL_FILES_STORED : MODEL_FILES_READ;
	if (!b->failed)
		build_set_end(b, s, written);
	b->files = MODEL_FILES_READ;
}

static void import_root(struct build *b, const struct node *root)
{
	if (!node_has_only(b, root, &root_keys))
		return;
	import_latency(b, root);
	b->failed = false;
	node_each_object(b, root, "interfaces", import_interface, NULL);
	node_each_object(b, root, "sets", import_set, NULL);
	node_each_object(b, root, "filters", json_import_filter, NULL);
	node_each_object(b, root, "pools", json_import_pool, NULL);
	node_each_object(b, root, "services", json_import_service, NULL);
}

static int refuse_syntax(const char *file, const char *text, size_t size, const json_error_t *e,
			 struct diags *d)
{
	struct loc at = { .file = file,
			  .line = e->line > 0 ? (unsigned int)e->line : 1,
			  .column = e->column > 0 ? (unsigned int)e->column : 1,
			  .width = 1 };

	if (json_error_code((json_error_t *)e) == json_error_out_of_memory)
		return -ENOMEM;
	diag_add(d, DIAG_ERROR, at, text, size, NULL, "this is no valid JSON: %s", e->text);
	return -EINVAL;
}

int model_parse_json(const char *file, const char *text, size_t size, struct diags *d,
		     struct model *out)
{
	struct build b = { .file = file, .text = text, .size = size, .diags = d };
	json_error_t e;
	struct node root = {
		.json = json_loadb(size ? text : "", size, JSON_REJECT_DUPLICATES, &e),
	};
	int err;

	if (!root.json)
		return refuse_syntax(file, text, size, &e, d);
	root.at.file = file;
	import_root(&b, &root);
	err = build_finish(&b, out);
	json_decref(root.json);
	return err;
}
