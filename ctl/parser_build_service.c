// SPDX-License-Identifier: GPL-2.0-or-later
/* Services of a configuration. */
#include <netinet/in.h>
#include <string.h>

#include "parser_build.h"
#include "ranges.h"

struct service *build_service(struct build *b, const struct word *name)
{
	struct service s = { .forward = WEIR_FORWARD_KINDS,
			     .track = WEIR_TRACK_MOVED,
			     .settle_s = SETTLE_DEFAULT_S,
			     .loc = name->loc };

	if (!build_name(b, name, "service", s.name) ||
	    !RESERVE(b, b->model.services, b->model.services_count))
		return NULL;
	b->model.services[b->model.services_count] = s;
	return &b->model.services[b->model.services_count++];
}

/* A word that is no set, as text; @what: "the address". */
static bool plain_text(struct build *b, const struct word *w, const char *what,
		       char text[WORD_TEXT_BYTES])
{
	word_text(w, text, WORD_TEXT_BYTES);
	if (w->kind == WORD_SET)
		build_error(b, w->loc, NULL, "a set cannot stand here; write %s", what);
	return w->kind != WORD_SET;
}

void build_service_address(struct build *b, struct service *s, const struct word *w)
{
	char text[WORD_TEXT_BYTES];
	struct prefix prefix;
	struct problem why;

	if (!plain_text(b, w, "the address", text))
		return;
	if (!value_prefix(text, &prefix, &why))
		build_problem(b, w, &why);
	else if (build_count_value(b, w) && RESERVE(b, s->addrs, s->addrs_count))
		s->addrs[s->addrs_count++] = prefix;
}

/* "443", "8000-8999" or "any". */
static bool read_ports(struct build *b, const struct word *w, struct vip_port *out)
{
	char text[WORD_TEXT_BYTES];
	unsigned int number;
	struct problem why;
	range ports[VALUE_RANGES];

	if (word_is(w, "any")) {
		out->first = 0;
		out->last = 65535;
		return true;
	}
	if (!plain_text(b, w, "the port", text))
		return false;
	if (!strchr(text, '-') || text[0] == '-') {
		if (!build_number(b, w, "port", 1, 65535, &number))
			return false;
		out->first = out->last = (__u16)number;
		return true;
	}
	if (!value_ranges(VALUE_PORT, text, ports, &why)) {
		build_problem(b, w, &why);
		return false;
	}
	if (!ports[0].first_lo)
		build_error(b, w->loc, NULL, "port 0 is out of range; it goes from 1 to 65535");
	out->first = (__u16)ports[0].first_lo;
	out->last = (__u16)ports[0].last_lo;
	return !b->failed;
}

void build_service_port(struct build *b, struct service *s, const struct word *proto,
			const struct word *port)
{
	static const __u8 protos[] = {
		[PORT_TCP] = IPPROTO_TCP, [PORT_UDP] = IPPROTO_UDP, [PORT_ANY] = 0
	};
	int index = build_keyword(b, proto, &words_port_proto);
	struct vip_port entry = { .last = 65535, .at = build_spot(port ? port->loc : proto->loc) };

	if (index < 0 || (port && !read_ports(b, port, &entry)) ||
	    !build_count_value(b, port ? port : proto) || !RESERVE(b, s->ports, s->ports_count))
		return;
	entry.proto = protos[index];
	s->ports[s->ports_count++] = entry;
}

void build_service_forward(struct build *b, struct service *s, const struct word *w,
			   const struct word *checksum)
{
	int forward = build_keyword(b, w, &words_forward);

	s->forward = (enum weir_forward)(forward < 0 ? 0 : forward);
	if (!checksum || forward < 0)
		return;
	if (!word_is(checksum, "checksum"))
		build_error(b, checksum->loc, NULL,
			    "expected \"checksum\" or the end of the statement before " WORD_FMT,
			    WORD_ARGS(checksum));
	else if (s->forward != WEIR_FORWARD_GUE)
		build_error(b, checksum->loc, NULL,
			    "\"checksum\" is gue's; forward %s has none to choose",
			    words_forward.words[forward]);
	s->gue_checksum = !b->failed;
}

void build_service_source(struct build *b, struct service *s, const struct word *w)
{
	char text[WORD_TEXT_BYTES];
	struct problem why;
	__u8 addr[16];

	if (!plain_text(b, w, "the address", text))
		return;
	if (!value_address(text, addr, &why))
		build_problem(b, w, &why);
	else if (build_count_value(b, w) && RESERVE(b, s->sources, s->sources_count))
		memcpy(s->sources[s->sources_count++], addr, sizeof(addr));
}

void build_service_hash(struct build *b, struct service *s, const struct word *w)
{
	char text[WORD_TEXT_BYTES];
	struct problem why;

	if (plain_text(b, w, "tuple or source", text) && !value_hash(text, s, &why))
		build_problem(b, w, &why);
}

void build_service_track(struct build *b, struct service *s, const struct word *w)
{
	int track = build_keyword(b, w, &words_track);

	if (track >= 0)
		s->track = (enum weir_track)track;
}

/* A time of seconds, minutes, hours. */
static void read_span(struct build *b, const struct word *w, const char *what, __u32 most_s,
		      __u32 *out)
{
	char text[WORD_TEXT_BYTES];
	struct problem why;

	if (plain_text(b, w, "a time", text) && !value_span(text, what, most_s, out, &why))
		build_problem(b, w, &why);
}

void build_service_udp(struct build *b, struct service *s, const struct word *w,
		       const struct word *idle)
{
	int udp = build_keyword(b, w, &words_udp);

	if (udp < 0)
		return;
	s->udp = (enum weir_udp)udp;
	if (s->udp == WEIR_UDP_TRACK && !idle)
		build_error(b, w->loc, NULL,
			    "\"udp track\" needs the time after which an idle flow is forgotten; "
			    "write \"udp track 30s\"");
	else if (s->udp == WEIR_UDP_TRACK)
		read_span(b, idle, "idle time", UDP_IDLE_MAX_S, &s->udp_idle_s);
	else if (idle)
		build_error(b, idle->loc, NULL, "only \"udp track\" has a time; leave it out");
}

void build_service_settle(struct build *b, struct service *s, const struct word *w)
{
	read_span(b, w, "time to settle", SETTLE_MAX_S, &s->settle_s);
}

void build_service_mss(struct build *b, struct service *s, const struct word *w)
{
	unsigned int mss;

	if (word_is(w, "auto")) {
		s->mss_mode = MSS_AUTO;
	} else if (build_number(b, w, "MSS", MSS_LEAST, MSS_MOST, &mss)) {
		s->mss_mode = MSS_FIXED;
		s->mss = (__u16)mss;
	}
}

void build_service_statement(struct service *s, enum service_word word, struct loc at)
{
	if (!s->at[word].column)
		s->at[word] = build_spot(at);
	/* an empty list allows nobody, and is refused */
	if (word == SERVICE_ALLOW && !s->allow.present)
		s->allow.at = build_spot(at);
	s->allow.present |= word == SERVICE_ALLOW;
}

void build_service_allow(struct build *b, struct service *s, const struct word *w)
{
	struct match *m = &s->allow;

	if (w->kind != WORD_SET) {
		size_t count = m->ranges_count;

		build_ranges(b, &m->ranges, &count, VALUE_ADDR, w);
		m->ranges_count = (__u32)count;
		return;
	}
	if (!build_count_value(b, w) || !build_ref(b, REF_SET_ALLOW, w))
		return;
	if (w->size >= NAME_BYTES || m->sets_count == 0xffff)
		build_error(b, w->loc, NULL, WORD_FMT " is no name of a set", WORD_ARGS(w));
	else if (RESERVE(b, m->sets, m->sets_count) &&
		 (m->sets[m->sets_count] = build_copy(b, w)) != NULL)
		m->sets_count++;
}

void build_service_limit(struct build *b, struct service *s, const struct limit *limit,
			 struct loc at)
{
	struct limit *to = limit->per_saddr ? &s->limit_source : &s->limit;

	if (to->per_s)
		build_error(b, at, NULL, "service %s has a limit %s twice; keep one", s->name,
			    limit->per_saddr ? "of each source" : "of all its connections");
	else
		*to = *limit;
}

void build_service_syncookie(struct build *b, struct service *s, const struct word *w,
			     const struct word *rate)
{
	int mode = build_keyword(b, w, &words_syncookie);
	char text[WORD_TEXT_BYTES];
	struct limit limit = {};
	struct problem why;

	if (mode < 0)
		return;
	s->syncookie = mode ? SYNCOOKIE_ALWAYS : SYNCOOKIE_ABOVE;
	if (mode && rate)
		build_error(b, rate->loc, NULL, "\"syncookie always\" has no rate; leave it out");
	else if (!mode && !rate)
		build_error(b, w->loc, NULL,
			    "\"syncookie above\" needs a rate; write \"syncookie above 1000/s\"");
	if (b->failed || !rate || !plain_text(b, rate, "a rate", text))
		return;
	if (!value_rate(text, &limit, &why))
		build_problem(b, rate, &why);
	else if (limit.per_s != 1)
		build_error(b, rate->loc, NULL,
			    "SYNs are counted per second; write the rate as in 1000/s");
	s->syncookie_above = limit.rate;
}

void build_service_empty(struct build *b, struct service *s, const struct word *w)
{
	int empty = build_keyword(b, w, &words_empty);

	if (empty >= 0)
		s->empty = (enum weir_empty)empty;
}

void build_service_pool(struct build *b, struct service *s, const struct word *w)
{
	if (build_name(b, w, "pool", s->pool))
		build_ref(b, REF_POOL, w);
}

void build_service_end(struct build *b, struct service *s)
{
	struct match *allow = &s->allow;

	allow->ranges_count = (__u32)ranges_normalise(allow->ranges, allow->ranges_count);
	if (!s->addrs_count)
		build_error(b, s->loc, NULL, "service %s has no address; add \"address ADDR\"",
			    s->name);
	else if (!s->ports_count)
		build_error(b, s->loc, NULL, "service %s has no port; add \"port tcp NUMBER\"",
			    s->name);
	else if (s->forward == WEIR_FORWARD_KINDS)
		build_error(b, s->loc, NULL,
			    "service %s does not say how to forward; add \"forward ipip\", or "
			    "gue, l2, nat or local",
			    s->name);
	else if (allow->present && !allow->ranges_count && !allow->sets_count)
		build_error(b, build_loc(b, allow->at), NULL,
			    "the list of allow is empty; name a source");
	else if (s->pool[0] && s->backends_count)
		build_error(
			b, s->backends[0].loc, NULL,
			"service %s has both \"backends %s\" and a backend of its own; keep one",
			s->name, s->pool);
}
