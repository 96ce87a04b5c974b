// SPDX-License-Identifier: GPL-2.0-or-later
/* Pools and services as their JSON twin. */
#include <arpa/inet.h>

#include "json_model.h"
#include "print.h"
#include "set_text.h"

static json_t *backend_json(const struct backend *b)
{
	json_t *o = json_object();
	char text[ENDPOINT_TEXT_BYTES], addr[INET6_ADDRSTRLEN];

	json_object_set_new(o, "name", json_string(b->name));
	json_object_set_new(o, "address", json_string(endpoint_text(b, text)));
	if (b->host && backend_has_addr(b))
		json_object_set_new(o, "resolved",
				    json_string(addr_text(b->addr, addr, sizeof(addr))));
	json_object_set_new(o, "weight", json_integer(b->weight));
	if (b->has_quic_id)
		json_object_set_new(o, "quic_id", json_integer(b->quic_id));
	if (b->drain)
		json_object_set_new(o, "drain", json_true());
	return o;
}

static json_t *backends_json(const struct backend *list, size_t count)
{
	json_t *backends = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(backends, backend_json(&list[i]));
	return backends;
}

json_t *pool_json(const struct pool *p)
{
	return json_pack("{s:s,s:o}", "name", p->name, "backends",
			 backends_json(p->backends, p->backends_count));
}

/* A number where it is one port; no port where the protocol is any. */
static json_t *port_json(const struct vip_port *p)
{
	json_t *o = json_object();
	char text[PORT_TEXT_BYTES];

	json_object_set_new(o, "proto", json_string(print_port_proto(p->proto)));
	if (p->proto)
		json_object_set_new(o, "port",
				    p->first == p->last ? json_integer(p->first)
							: json_string(port_text(p, text)));
	return o;
}

static void add_vips(json_t *o, const struct service *s)
{
	json_t *addrs = json_array(), *ports = json_array();
	char text[PREFIX_TEXT_BYTES];

	for (size_t i = 0; i < s->addrs_count; i++)
		json_append_string(addrs, prefix_text(&s->addrs[i], text));
	for (size_t i = 0; i < s->ports_count; i++)
		json_array_append_new(ports, port_json(&s->ports[i]));
	json_object_set_new(o, "address", addrs);
	json_object_set_new(o, "port", ports);
}

static void add_forwarding(json_t *o, const struct service *s)
{
	json_t *sources = json_array();
	char addr[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < s->sources_count; i++)
		json_append_string(sources, addr_text(s->sources[i], addr, sizeof(addr)));
	json_object_set_new(o, "forward", json_string(print_forward[s->forward]));
	if (s->gue_checksum)
		json_object_set_new(o, "checksum", json_true());
	if (s->sources_count)
		json_object_set(o, "source", sources);
	json_decref(sources);
	if (s->mss_mode == MSS_AUTO)
		json_object_set_new(o, "mss", json_string("auto"));
	else if (s->mss_mode == MSS_FIXED)
		json_object_set_new(o, "mss", json_integer(s->mss));
}

static void add_choice(json_t *o, const struct service *s)
{
	char text[SET_TEXT_BYTES];

	json_object_set_new(o, "hash", json_string(hash_text(s, text)));
	json_object_set_new(o, "track", json_string(print_track[s->track]));
	json_object_set_new(o, "udp", json_string(print_udp[s->udp]));
	if (s->udp == WEIR_UDP_TRACK)
		json_object_set_new(o, "udp_idle",
				    json_string(set_timeout_text(s->udp_idle_s, text)));
	json_object_set_new(o, "settle", json_string(set_timeout_text(s->settle_s, text)));
}

static void add_admission(json_t *o, const struct service *s)
{
	json_t *limits = json_array();

	if (s->allow.present) {
		json_t *allow = json_values(VALUE_ADDR, s->allow.ranges, s->allow.ranges_count);
		char name[NAME_BYTES + 1];

		for (size_t i = 0; i < s->allow.sets_count; i++) {
			snprintf(name, sizeof(name), "@%s", s->allow.sets[i]);
			json_append_string(allow, name);
		}
		json_object_set_new(o, "allow", allow);
	}
	if (s->limit.per_s)
		json_array_append_new(limits, limit_json(&s->limit));
	if (s->limit_source.per_s)
		json_array_append_new(limits, limit_json(&s->limit_source));
	if (json_array_size(limits))
		json_object_set(o, "limits", limits);
	json_decref(limits);
	if (s->syncookie == SYNCOOKIE_ALWAYS)
		json_object_set_new(o, "syncookie", json_string("always"));
	else if (s->syncookie == SYNCOOKIE_ABOVE)
		json_object_set_new(o, "syncookie", json_integer(s->syncookie_above));
	json_object_set_new(o, "empty", json_string(print_empty[s->empty]));
}

json_t *service_json(const struct service *s)
{
	json_t *o = json_object();

	json_object_set_new(o, "name", json_string(s->name));
	add_vips(o, s);
	add_forwarding(o, s);
	add_choice(o, s);
	add_admission(o, s);
	if (s->pool[0])
		json_object_set_new(o, "pool", json_string(s->pool));
	else
		json_object_set_new(o, "backends", backends_json(s->backends, s->backends_count));
	return o;
}
