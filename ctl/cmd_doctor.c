// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * doctor: what is wrong, and what to do about it.
 */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "doctor.h"
#include "own.h"

static const char *const kind_names[FINDING_KINDS] = {
#define X(sym, name) [FINDING_##sym] = name,
	FINDINGS(X)
#undef X
};

static size_t count_of(const struct checkup *c, enum finding_kind kind)
{
	size_t count = 0;

	for (size_t i = 0; i < c->count; i++)
		count += c->findings[i].kind == kind;
	return count;
}

static void print_findings(const struct checkup *c)
{
	int width = 0;

	for (size_t i = 0; i < c->count; i++) {
		int length = (int)strlen(c->findings[i].subject);

		width = length > width ? length : width;
	}
	for (size_t i = 0; i < c->count; i++) {
		const struct finding *f = &c->findings[i];

		printf("%-4s  %-*s  %s\n", kind_names[f->kind], width, f->subject, f->text);
		if (f->remedy)
			printf("%*s  try: %s\n", width + 6, "", f->remedy);
	}
	printf("%zu failed, %zu to be looked at, %zu in order\n", count_of(c, FINDING_FAIL),
	       count_of(c, FINDING_WARN), count_of(c, FINDING_OK));
}

static json_t *findings_json(const struct checkup *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->count; i++) {
		const struct finding *f = &c->findings[i];

		json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:s?}", "state",
						      kind_names[f->kind], "subject", f->subject,
						      "text", f->text, "remedy", f->remedy));
	}
	return json_pack("{s:o}", "findings", list);
}

int cmd_doctor(struct command *c)
{
	OWN(applied_close) struct applied a = APPLIED_NONE;
	OWN(attachments_close) struct attachments attached = {};
	OWN(host_close) struct host host = {};
	OWN(doctor_free)
	struct checkup checkup = { .state = &a.state,
				   .model = &a.model,
				   .attached = &attached,
				   .host = &host,
				   .only = c->args[0] };

	if (applied_open(&a, c) || attachments_read(&a.state, &attached, &c->why) ||
	    host_open(&host, &c->why))
		return command_failed(c);
	if (c->args[0] && !interface_for(&a.model, c->args[0])) {
		fail(&c->why, EXIT_NOT_FOUND, "%s: the configuration has no interface block for it",
		     c->args[0]);
		return command_failed(c);
	}
	if (doctor_examine(&checkup, &c->why))
		return command_failed(c);
	if (c->json)
		json_print(findings_json(&checkup));
	else
		print_findings(&checkup);
	return count_of(&checkup, FINDING_FAIL) ? EXIT_REFUSED : EXIT_DONE;
}
