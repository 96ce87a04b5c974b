// SPDX-License-Identifier: GPL-2.0-or-later
#include "drops.h"

#include <bpf/btf.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

static const struct {
	const char *name, *text;
} kinds[WEIR_DROP_COUNT] = {
#define X(sym, name, text) [WEIR_DROP_##sym] = { name, text },
	WEIR_DROP_KINDS(X)
#undef X
};

static const struct {
	const char *reason, *text;
} no_losses[DROPS_APART] = {
#define X(reason, text) { reason, text },
	DROPS_NO_LOSSES(X)
#undef X
};

#define REASON_PREFIX "SKB_DROP_REASON_"
/* Those of subsystems, by bits above the 16th, are not in this list of the kernel's. */
#define REASONS_MOST 4096
#define NS_PER_S 1000000000.0

static void keep_reason(struct drop_reasons *r, __u32 number, const char *name)
{
	char *at;

	if (number >= r->count || !name || strncmp(name, REASON_PREFIX, strlen(REASON_PREFIX)))
		return;
	at = r->names[number];
	snprintf(at, sizeof(*r->names), "%s", name + strlen(REASON_PREFIX));
	for (; *at; at++)
		*at = *at == '_' ? '-' : (char)tolower((unsigned char)*at);
}

void drop_reasons_read(struct drop_reasons *r)
{
	struct btf *btf = btf__load_vmlinux_btf();
	const struct btf_type *type = NULL;
	int id = -1;

	*r = (struct drop_reasons){};
	if (btf)
		id = btf__find_by_name_kind(btf, "skb_drop_reason", BTF_KIND_ENUM);
	if (id >= 0)
		type = btf__type_by_id(btf, (__u32)id);
	if (type)
		r->names = calloc(REASONS_MOST, sizeof(*r->names));
	r->count = r->names ? REASONS_MOST : 0;
	for (int i = 0; r->count && i < btf_vlen(type); i++) {
		const struct btf_enum *e = btf_enum(type) + i;

		keep_reason(r, (__u32)e->val, btf__name_by_offset(btf, e->name_off));
	}
	btf__free(btf);
}

void drop_reasons_free(struct drop_reasons *r)
{
	free(r->names);
	*r = (struct drop_reasons){};
}

const char *drop_reason_text(const struct drop_reasons *r, __u32 reason, char text[48])
{
	if (reason < r->count && r->names[reason][0])
		return r->names[reason];
	snprintf(text, 48, "reason %u", reason);
	return text;
}

void drops_free(struct drops *d)
{
	free(d->drops);
	free(d->processes);
	free(d->flows);
	drop_reasons_free(&d->reasons);
	places_free(&d->places);
	*d = (struct drops){};
}

static int compare(__u64 a, __u64 b)
{
	return a < b ? 1 : a > b ? -1 : 0;
}

static int by_packets(const void *a, const void *b)
{
	const struct drop_row *x = a, *y = b;

	return x->key.kind != y->key.kind ? compare(y->key.kind, x->key.kind)
					  : compare(x->packets, y->packets);
}

static __u64 losses_of(const struct weir_process *p)
{
	return (__u64)p->retransmits + p->resets_sent + p->resets_received + p->connects_failed;
}

static int by_losses(const void *a, const void *b)
{
	return compare(losses_of(a), losses_of(b));
}

static int by_count(const void *a, const void *b)
{
	const struct weir_retransmit *x = a, *y = b;

	return compare(x->count, y->count);
}

void drops_sort(struct drops *d)
{
	if (d->drops_count)
		qsort(d->drops, d->drops_count, sizeof(*d->drops), by_packets);
	if (d->processes_count)
		qsort(d->processes, d->processes_count, sizeof(*d->processes), by_losses);
	if (d->flows_count)
		qsort(d->flows, d->flows_count, sizeof(*d->flows), by_count);
}

static const char *ago_text(const struct drops *d, __u64 last_ns, char text[32])
{
	double s = d->now_ns > last_ns ? (double)(d->now_ns - last_ns) / NS_PER_S : 0;

	if (s < 120)
		snprintf(text, 32, "%.0f s ago", s);
	else if (s < 7200)
		snprintf(text, 32, "%.0f min ago", s / 60);
	else
		snprintf(text, 32, "%.0f h ago", s / 3600);
	return text;
}

/* "nginx[1234]", "?" for what nobody knows; names are made printable. */
static const char *process_text(const char comm[16], __u32 pid, char text[40])
{
	char name[17];

	memcpy(name, comm, 16);
	name[16] = 0;
	for (char *at = name; *at; at++) {
		if (!isascii((unsigned char)*at) || !isgraph((unsigned char)*at))
			*at = '?';
	}
	if (pid)
		snprintf(text, 40, "%s[%u]", name, pid);
	else
		snprintf(text, 40, "?");
	return text;
}

static const char *place_of(const struct drops *d, const struct weir_drop_key *key, char *text)
{
	struct weir_path_place place = { .netns = key->netns, .ifindex = key->ifindex };
	char netns[PLACE_TEXT];

	if (key->ifindex && key->netns)
		return place_text(&d->places, &place, text);
	if (key->ifindex) { /* of a namespace that the packet no longer told */
		snprintf(text, PLACE_TEXT, "ifindex %u", key->ifindex);
		return text;
	}
	if (!key->netns)
		snprintf(text, PLACE_TEXT, "-");
	else if (netns_is_named(&d->places, key->netns))
		snprintf(text, PLACE_TEXT, "netns %.100s",
			 netns_text(&d->places, key->netns, netns));
	else /* "netns-2" says it */
		netns_text(&d->places, key->netns, text);
	return text;
}

static const char *kind_text(const struct drops *d, const struct weir_drop_key *key, char text[48])
{
	if (key->kind == WEIR_DROP_DROP)
		return drop_reason_text(&d->reasons, key->reason, text);
	return key->kind < WEIR_DROP_COUNT ? kinds[key->kind].name : "?";
}

static void print_drops(const struct drops *d, FILE *out)
{
	char reason[48], place[PLACE_TEXT], ago[32];

	fprintf(out, "%-32s %-28s %12s  %s\n", "Lost or refused", "where", "packets", "last");
	if (!d->drops_count)
		fputs("nothing\n", out);
	for (size_t i = 0; i < d->drops_count; i++) {
		const struct drop_row *r = &d->drops[i];

		fprintf(out, "%-32s %-28s %12llu  %s\n", kind_text(d, &r->key, reason),
			place_of(d, &r->key, place), r->packets, ago_text(d, r->last_ns, ago));
	}
	for (int i = 0; i < DROPS_APART; i++) {
		if (d->apart[i])
			fprintf(out, "no loss: %llu packets %s (%s)\n", d->apart[i],
				no_losses[i].text, no_losses[i].reason);
	}
}

static void print_processes(const struct drops *d, FILE *out)
{
	char process[40], ago[32];

	if (!d->processes_count)
		return;
	fprintf(out, "\n%-26s %12s %12s %16s %16s  %s\n", "Process", "retransmits", "resets-sent",
		"resets-received", "connects-failed", "last");
	for (size_t i = 0; i < d->processes_count; i++) {
		const struct weir_process *p = &d->processes[i];

		fprintf(out, "%-26s %12u %12u %16u %16u  %s\n",
			process_text(p->comm, p->pid, process), p->retransmits, p->resets_sent,
			p->resets_received, p->connects_failed, ago_text(d, p->last_ns, ago));
	}
}

static const char *end_text(const __u8 addr[16], __u16 port, char text[64])
{
	char plain[48];

	addr_text(addr, plain, sizeof(plain));
	snprintf(text, 64, addr_is_v4(addr) ? "%s:%u" : "[%s]:%u", plain, port);
	return text;
}

static void print_flows(const struct drops *d, size_t most, FILE *out)
{
	char from[64], to[64], process[40], ago[32], netns[PLACE_TEXT], both[132];

	if (!d->flows_count)
		return;
	fprintf(out, "\n%-48s %12s  %-16s %-26s %s\n", "Sent again by flow", "retransmits", "netns",
		"process", "last");
	for (size_t i = 0; i < d->flows_count && i < most; i++) {
		const struct weir_retransmit *r = &d->flows[i];

		snprintf(both, sizeof(both), "%s > %s", end_text(r->saddr, r->sport, from),
			 end_text(r->daddr, r->dport, to));
		fprintf(out, "%-48s %12u  %-16s %-26s %s\n", both, r->count,
			netns_text(&d->places, r->netns, netns),
			process_text(r->comm, r->pid, process), ago_text(d, r->last_ns, ago));
	}
	if (d->flows_count > most)
		fprintf(out, "and %zu flows with fewer; all are in --json\n",
			d->flows_count - most);
}

void drops_print(const struct drops *d, size_t flows_most, FILE *out)
{
	print_drops(d, out);
	print_processes(d, out);
	print_flows(d, flows_most, out);
}

static double ago_s(const struct drops *d, __u64 last_ns)
{
	return d->now_ns > last_ns ? (double)(d->now_ns - last_ns) / NS_PER_S : 0;
}

static void add_number(json_t *object, const char *key, __u64 number)
{
	json_object_set_new(object, key, json_integer((json_int_t)number));
}

static void add_process(json_t *object, const char comm[16], __u32 pid)
{
	char text[40], *bracket;

	if (!pid)
		return;
	process_text(comm, pid, text);
	bracket = strrchr(text, '[');
	*bracket = 0;
	json_object_set_new(object, "process", json_string(text));
	add_number(object, "pid", pid);
}

static json_t *drop_json(const struct drops *d, const struct drop_row *r)
{
	char text[PLACE_TEXT], reason[48];
	struct weir_path_place place = { .netns = r->key.netns, .ifindex = r->key.ifindex };
	json_t *o = json_object();

	json_object_set_new(
		o, "kind",
		json_string(r->key.kind < WEIR_DROP_COUNT ? kinds[r->key.kind].name : "?"));
	if (r->key.kind == WEIR_DROP_DROP)
		json_object_set_new(
			o, "reason",
			json_string(drop_reason_text(&d->reasons, r->key.reason, reason)));
	if (r->key.netns)
		json_object_set_new(o, "netns",
				    json_string(netns_text(&d->places, r->key.netns, text)));
	if (r->key.ifindex)
		json_object_set_new(o, "interface",
				    json_string(place_text(&d->places, &place, text)));
	add_number(o, "packets", r->packets);
	json_object_set_new(o, "last_s_ago", json_real(ago_s(d, r->last_ns)));
	return o;
}

static json_t *process_json(const struct drops *d, const struct weir_process *p)
{
	json_t *o = json_object();

	add_process(o, p->comm, p->pid);
	add_number(o, "retransmits", p->retransmits);
	add_number(o, "resets_sent", p->resets_sent);
	add_number(o, "resets_received", p->resets_received);
	add_number(o, "connects_failed", p->connects_failed);
	json_object_set_new(o, "last_s_ago", json_real(ago_s(d, p->last_ns)));
	return o;
}

static json_t *flow_json(const struct drops *d, const struct weir_retransmit *r)
{
	char from[64], to[64], netns[PLACE_TEXT];
	json_t *o = json_object();

	add_process(o, r->comm, r->pid);
	json_object_set_new(o, "from", json_string(end_text(r->saddr, r->sport, from)));
	json_object_set_new(o, "to", json_string(end_text(r->daddr, r->dport, to)));
	json_object_set_new(o, "netns", json_string(netns_text(&d->places, r->netns, netns)));
	add_number(o, "retransmits", r->count);
	json_object_set_new(o, "last_s_ago", json_real(ago_s(d, r->last_ns)));
	return o;
}

json_t *drops_json(const struct drops *d)
{
	json_t *drops = json_array(), *processes = json_array(), *flows = json_array();
	json_t *apart = json_object();

	for (size_t i = 0; i < d->drops_count; i++)
		json_array_append_new(drops, drop_json(d, &d->drops[i]));
	for (size_t i = 0; i < d->processes_count; i++)
		json_array_append_new(processes, process_json(d, &d->processes[i]));
	for (size_t i = 0; i < d->flows_count; i++)
		json_array_append_new(flows, flow_json(d, &d->flows[i]));
	for (int i = 0; i < DROPS_APART; i++)
		add_number(apart, no_losses[i].reason, d->apart[i]);
	return json_pack("{s:o,s:o,s:o,s:o}", "drops", drops, "processes", processes, "retransmits",
			 flows, "no_losses", apart);
}
