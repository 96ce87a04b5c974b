/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text to model and back, as tests want it.
 */
#ifndef WEIR_TEST_CONFIG_TEXT_H
#define WEIR_TEST_CONFIG_TEXT_H

#include <errno.h>
#include <string.h>

#include "diag.h"
#include "model.h"
#include "test_main.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

__attribute__((unused)) static const char example_config[] =
	"define office = { 203.0.113.0/24, 2001:db8:5::/48 }   # a list\n"
	"define https = 443\n"
	"interface eth0  { xdp auto; filter edge; balance; decap; measure }\n"
	"interface veth* { tc; measure; filter edge egress }\n"
	"set bogons { type prefix; elements { 10.0.0.0/8,\n  192.168.0.0/16, } }\n"
	"set mail { type port; elements { 25, 465, 587, 6000-6010 } }\n"
	"filter edge {\n"
	"    default pass\n"
	"    rule ssh   pass  tcp dport 22 saddr $office\n"
	"    rule bogons drop saddr @bogons\n"
	"    rule amp   drop  udp sport { 53, 123, 11211 }\n"
	"    rule x     count saddr != { 10.0.0.0/8, @bogons }  dport 1000-2000\n"
	"    rule syn   drop  tcp flags syn/syn,ack,rst,fin\n"
	"    rule png   pass  icmp type echo-request\n"
	"    rule mail  drop  tcp dport @mail\n"
	"    rule flood limit 200/s burst 400 per saddr/24/64 tcp flags syn\n"
	"    rule odd   drop  expr \"tcp[13] & 0x3f = 0\" length > 512 ttl<=4\n"
	"    rule arp   log sample 1/100 ethertype arp smac != 02:00:00:00:00:00/24 vlan 7\n"
	"    rule est   mark 0x10 interface { eth0, veth* } established not fragment dscp ef\n"
	"    rule rej   reject icmp type unreachable code != 4\n"
	"}\n"
	"service web {\n"
	"    address 192.0.2.10, 2001:db8:ff::10\n"
	"    port tcp $https, udp 443\n"
	"    forward ipip\n"
	"    backend b1 10.0.7.11 weight 10\n"
	"    backend b2 10.0.7.12 weight 10 drain\n"
	"}\n";

/* The first message as "line:column: text", then "; hint: ..."; "" when there is none. */
static inline const char *first_message(const struct diags *d)
{
	static char text[600];

	text[0] = 0;
	if (d->count)
		snprintf(text, sizeof(text), "%u:%u: %s%s%s%s", d->list[0].loc.line,
			 d->list[0].loc.column, d->list[0].level == DIAG_WARNING ? "warning: " : "",
			 d->list[0].message, d->list[0].hint ? " | " : "",
			 d->list[0].hint ? d->list[0].hint : "");
	return text;
}

static inline int parse_config(const char *text, size_t size, struct diags *d, struct model *m)
{
	/* a copy of the exact size, so that the sanitizer sees every step past the end */
	char *copy = malloc(size ? size : 1);
	int err;

	memcpy(copy, text, size);
	err = model_parse("edge.conf", copy, size, MODEL_FILES_READ, d, m);
	free(copy);
	return err;
}

static inline struct model good_config(const char *text)
{
	struct diags d = { 0 };
	struct model m = { 0 };

	if (parse_config(text, strlen(text), &d, &m))
		fail_msg("%s\nrefused: %s", text, first_message(&d));
	diag_free(&d);
	return m;
}

struct refusal {
	const char *text;
	const char *message; /* and the hint behind " | " */
};

/* One error and no more, or what follows from a mistake hides the mistake. */
static inline void assert_refused(const struct refusal *r)
{
	struct diags d = { 0 };
	struct model m = { 0 };

	if (parse_config(r->text, strlen(r->text), &d, &m) != -EINVAL)
		fail_msg("%s\nwas accepted, wanted %s", r->text, r->message);
	if (strcmp(first_message(&d), r->message))
		fail_msg("%s\ngave   %s\nwanted %s", r->text, first_message(&d), r->message);
	if (d.errors != 1)
		fail_msg("%s\nmore errors: %s", r->text, d.list[1].message);
	assert_null(m.interfaces);
	diag_free(&d);
}

static inline char *print_config(const struct model *m, enum model_print how)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	model_print(m, how, out);
	fclose(out);
	return text;
}

#endif
