// SPDX-License-Identifier: GPL-2.0-or-later
/* The words of the language, and the names that its objects may have. */
#include "parser_build.h"

#include <ctype.h>
#include <string.h>

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define NO_WORDS ((const char *const[]){ NULL })
#define KEYWORD(sym, keyword, ...) keyword,

const struct vocabulary words_top = {
	.what = "statement",
	.where = "",
	.plural = "statements",
	.words = WORDS("define", "interface", "set", "filter", "pool", "service", "latency"),
	.later = WORDS("agent", "include"),
};

const struct vocabulary words_interface = {
	.what = "statement",
	.where = " in interface",
	.plural = "its statements",
	.words = WORDS("xdp", "tc", "filter", "balance", "decap", "measure", "return"),
	.later = WORDS("share", "capture", "frags"),
};

const struct vocabulary words_measure = {
	.what = "measurement",
	.where = "",
	.plural = "measurements",
	.words = (const char *const[]){ MEASURES(KEYWORD) NULL },
	.later = NO_WORDS,
};

const struct vocabulary words_latency = {
	.what = "statement",
	.where = " in latency",
	.plural = "its statements",
	.words = WORDS("flows", "prefix", "prefixes"),
	.later = NO_WORDS,
};

const struct vocabulary words_set = {
	.what = "statement",
	.where = " in set",
	.plural = "its statements",
	.words = WORDS("type", "file", "elements", "timeout"),
	.later = WORDS("size"),
};

const struct vocabulary words_filter = {
	.what = "statement",
	.where = " in filter",
	.plural = "its statements",
	.words = WORDS("default", "rule"),
	.later = NO_WORDS,
};

const struct vocabulary words_pool = {
	.what = "statement",
	.where = " in pool",
	.plural = "its statements",
	.words = WORDS("backend"),
	.later = WORDS("check"),
};

const struct vocabulary words_service = {
	.what = "statement",
	.where = " in service",
	.plural = "its statements",
	.words = WORDS("address", "port", "forward", "source", "hash", "track", "udp", "settle",
		       "mss", "allow", "limit", "syncookie", "empty", "backend", "backends"),
	.later = WORDS("check", "slow-start"),
};

const struct vocabulary words_backend = {
	.what = "property of a backend",
	.where = "",
	.plural = "properties",
	.words = WORDS("weight", "drain", "quic-id", "resolved"),
	.own = "resolved",
	.later = WORDS("check"),
};

const struct vocabulary words_match = {
	.what = "match",
	.where = "",
	.plural = "matches",
	.words = (const char *const[]){ WEIR_FIELDS(KEYWORD) "flags", "expr", "not", "tcp", "udp",
					"icmp", "icmpv6", NULL },
	.later = NO_WORDS,
};

const struct vocabulary words_action = {
	.what = "action",
	.where = "",
	.plural = "actions",
	.words = (const char *const[]){ WEIR_ACTIONS(KEYWORD) NULL },
	.later = NO_WORDS,
};

const struct vocabulary words_default = {
	.what = "default",
	.where = "",
	.plural = "defaults",
	.words = WORDS("pass", "drop", "reject"),
	.later = NO_WORDS,
};

const struct vocabulary words_limit = {
	.what = "property of a limit",
	.where = "",
	.plural = "properties",
	.words = WORDS("burst", "per"),
	.later = NO_WORDS,
};

const struct vocabulary words_forward = {
	.what = "way to forward",
	.where = "",
	.plural = "ways to forward",
	.words = (const char *const[]){ WEIR_FORWARDS(KEYWORD) NULL },
	.later = NO_WORDS,
};

const struct vocabulary words_track = {
	.what = "way to track",
	.where = "",
	.plural = "ways to track",
	.words = (const char *const[]){ WEIR_TRACKS(KEYWORD) NULL },
	.later = NO_WORDS,
};

const struct vocabulary words_udp = {
	.what = "way to balance UDP",
	.where = "",
	.plural = "ways",
	.words = (const char *const[]){ WEIR_UDPS(KEYWORD) NULL },
	.later = NO_WORDS,
};

const struct vocabulary words_syncookie = {
	.what = "time for SYN cookies",
	.where = "",
	.plural = "times",
	.words = WORDS("above", "always"),
	.later = NO_WORDS,
};

const struct vocabulary words_empty = {
	.what = "answer of a service without backends",
	.where = "",
	.plural = "answers",
	.words = (const char *const[]){ WEIR_EMPTIES(KEYWORD) NULL },
	.later = NO_WORDS,
};

const struct vocabulary words_xdp = {
	.what = "xdp mode",
	.where = "",
	.plural = "modes",
	.words = WORDS("auto", "native", "generic"),
	.later = WORDS("share", "offload"),
};

const struct vocabulary words_tc = {
	.what = "tc mode",
	.where = "",
	.plural = "modes",
	.words = WORDS("auto", "tcx", "clsact"),
	.later = NO_WORDS,
};

const struct vocabulary words_set_type = {
	.what = "set type",
	.where = "",
	.plural = "types",
	.words = WORDS("prefix", "port", "address", "address+port", "interface"),
	.later = NO_WORDS,
};

const struct vocabulary words_port_proto = {
	.what = "protocol of a service port",
	.where = "",
	.plural = "protocols",
	.words = WORDS("tcp", "udp", "any"),
	.later = WORDS("sctp"),
};

bool word_is(const struct word *w, const char *text)
{
	return w->kind != WORD_SET && w->size == strlen(text) && !memcmp(w->text, text, w->size);
}

static int find(const char *const *words, const struct word *w)
{
	if (w->kind != WORD_PLAIN || !w->size)
		return -1;
	for (int i = 0; words[i]; i++) {
		if (words[i][0] == w->text[0] && !strncmp(words[i], w->text, w->size) &&
		    !words[i][w->size])
			return i;
	}
	return -1;
}

int vocabulary_find(const struct vocabulary *v, const struct word *w)
{
	return find(v->words, w);
}

/* Those that people write. */
static void join(const struct vocabulary *v, char *out, size_t size)
{
	const char *between = "";
	size_t used = 0;

	out[0] = 0;
	for (size_t i = 0; v->words[i] && used < size; i++) {
		if (v->own && !strcmp(v->words[i], v->own))
			continue;
		used += (size_t)snprintf(out + used, size - used, "%s%s", between, v->words[i]);
		between = ", ";
	}
}

static const struct {
	const struct vocabulary *words;
	const char *where;
} blocks[] = {
	{ &words_top, "at the top level" },
	{ &words_interface, "inside interface NAME { }" },
	{ &words_set, "inside set NAME { }" },
	{ &words_filter, "inside filter NAME { }" },
	{ &words_service, "inside service NAME { }" },
	{ &words_pool, "inside pool NAME { }" },
	{ &words_match, "inside a rule" },
	{ &words_latency, "inside latency { }" },
	{ &words_measure, "behind \"measure\"" },
};

/* A word that is right elsewhere, or that is near to one that is right here. */
static const char *hint_for(const struct word *w, const struct vocabulary *v, char *buf,
			    size_t size)
{
	char text[NAME_BYTES];
	const char *near;

	if (w->size >= sizeof(text))
		return NULL;
	memcpy(text, w->text, w->size);
	text[w->size] = 0;
	near = diag_suggest(text, v->words);
	if (near) {
		snprintf(buf, size, "did you mean \"%s\"?", near);
		return buf;
	}
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		if (blocks[i].words == v || find(blocks[i].words->words, w) < 0)
			continue;
		snprintf(buf, size, "\"%s\" belongs %s", text, blocks[i].where);
		return buf;
	}
	return NULL;
}

#define MANY_WORDS 120 /* bytes of a list that a good guess spares */

static void refuse_word(struct build *b, const struct word *w, const struct vocabulary *v,
			const char *all)
{
	char text[120];
	const char *hint = hint_for(w, v, text, sizeof(text));

	if (hint && strlen(all) > MANY_WORDS)
		build_error(b, w->loc, hint, "unknown %s " WORD_FMT "%s", v->what, WORD_ARGS(w),
			    v->where);
	else
		build_error(b, w->loc, hint, "unknown %s " WORD_FMT "%s; %s are %s", v->what,
			    WORD_ARGS(w), v->where, v->plural, all);
}

int build_keyword(struct build *b, const struct word *w, const struct vocabulary *v)
{
	int index = find(v->words, w);
	char all[320];

	if (index >= 0 || b->failed)
		return index;
	join(v, all, sizeof(all));
	if (find(v->later, w) >= 0)
		build_error(b, w->loc, NULL, WORD_FMT " is not in this version; %s are %s",
			    WORD_ARGS(w), v->plural, all);
	else
		refuse_word(b, w, v, all);
	return -1;
}

static bool name_byte(char c, size_t at)
{
	if (isascii((unsigned char)c) && (isalpha((unsigned char)c) || c == '_'))
		return true;
	return at && c && strchr("0123456789-.", c);
}

bool build_name(struct build *b, const struct word *w, const char *what, char name[NAME_BYTES])
{
	if (w->kind != WORD_SET && w->size >= NAME_BYTES) {
		build_error(b, w->loc, NULL, "%s name " WORD_FMT " has over %d bytes; shorten it",
			    what, WORD_ARGS(w), NAME_BYTES - 1);
		return false;
	}
	for (size_t i = 0; i < w->size || !w->size; i++) {
		if (w->kind != WORD_SET && w->size && name_byte(w->text[i], i))
			continue;
		build_error(b, w->loc, NULL,
			    WORD_FMT " is not a %s name; a letter or \"_\" comes first, then "
				     "letters, digits, \"_\", \"-\", \".\"",
			    WORD_ARGS(w), what);
		return false;
	}
	memcpy(name, w->text, w->size);
	name[w->size] = 0;
	return true;
}
