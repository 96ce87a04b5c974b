// SPDX-License-Identifier: GPL-2.0-or-later
/* The expressions that a program has, and the function that holds them all. */
#include "expr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "expr_translate.h"
#include "own.h"
#include "siphash.h"

static const __u8 hash_key[SIPHASH_KEY_BYTES] = "weir expression";

__u32 expr_id(const char *text)
{
	return (__u32)siphash24(text, strlen(text), hash_key);
}

void expr_set_free(struct expr_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		free(set->list[i].text);
		expr_code_free(&set->list[i].code);
	}
	free(set->list);
	*set = (struct expr_set){};
}

/* At @at, by id. */
static int insert(struct expr_set *set, size_t at, const char *text, struct expr_code *code)
{
	struct expr *list = realloc(set->list, (set->count + 1) * sizeof(*list));
	char *own = list ? strdup(text) : NULL;

	if (list)
		set->list = list;
	if (!own)
		return -ENOMEM;
	memmove(&list[at + 1], &list[at], (set->count - at) * sizeof(*list));
	list[at] = (struct expr){ .id = expr_id(text), .text = own, .code = *code };
	set->count++;
	return 0;
}

/* The first whose id is not less. */
static size_t place_of(const struct expr_set *set, __u32 id)
{
	size_t at = 0;

	while (at < set->count && set->list[at].id < id)
		at++;
	return at;
}

bool expr_set_has(const struct expr_set *set, const char *text)
{
	size_t at = place_of(set, expr_id(text));

	return at < set->count && !strcmp(set->list[at].text, text);
}

int expr_set_add(struct expr_set *set, const char *text, struct failure *why)
{
	struct expr_error error;
	struct expr_code code;
	__u32 id = expr_id(text);
	size_t at = place_of(set, id);
	int result;

	if (at < set->count && set->list[at].id == id) {
		if (!strcmp(set->list[at].text, text))
			return 0;
		return fail(why, EXIT_USAGE,
			    "expr \"%s\" and expr \"%s\" have the same hash; write one of them in "
			    "another way",
			    set->list[at].text, text);
	}
	result = expr_compile(text, &code, &error);
	if (result == -EINVAL)
		return fail(why, EXIT_USAGE, "expr \"%s\": %s", text, error.message);
	if (!result)
		result = insert(set, at, text, &code);
	if (!result)
		return 0;
	return fail_errno(why, -result, "cannot compile an expression");
}

int expr_set_add_filter(struct expr_set *set, const struct model *m, const char *filter,
			struct failure *why)
{
	for (size_t f = 0; f < m->filters_count; f++) {
		if (strcmp(m->filters[f].name, filter) != 0)
			continue;
		for (size_t r = 0; r < m->filters[f].rules_count; r++) {
			const char *text = m->filters[f].rules[r].expr.text;

			if (text && expr_set_add(set, text, why))
				return -1;
		}
	}
	return 0;
}

/* Halve the ids between @first and @last, the latter not included, down to one; r2 is the id. */
static void choose(struct emit *e, const struct expr_set *set, size_t first, size_t last,
		   int no_match, int first_label, int middle_labels)
{
	size_t half = first + (last - first) / 2;
	int middle = middle_labels + (int)half;

	if (last - first == 1) {
		emit_jump_imm(e, BPF_JMP32, BPF_JEQ, BPF_REG_2, set->list[first].id,
			      first_label + (int)first);
		emit_goto(e, no_match);
		return;
	}
	emit_jump_imm(e, BPF_JMP32, BPF_JGE, BPF_REG_2, set->list[half].id, middle);
	choose(e, set, first, half, no_match, first_label, middle_labels);
	emit_label(e, middle);
	choose(e, set, half, last, no_match, first_label, middle_labels);
}

static int write_all(struct translation *t, const struct expr_set *set)
{
	int count = (int)set->count, error = 0;

	t->no_match = 2 * count;
	t->next_label = 2 * count + 1;
	if (count) {
		translate_prologue(t);
		choose(&t->e, set, 0, set->count, t->no_match, 0, count);
	}
	for (int i = 0; i < count && !error; i++) {
		emit_label(&t->e, i);
		error = translate(t, &set->list[i].code);
	}
	emit_label(&t->e, t->no_match);
	emit_return(&t->e, 0);
	return error ? error : emit_finish(&t->e);
}

int expr_translate(const struct expr_set *set, enum expr_context context, int load_call,
		   struct bpf_insn *insns, size_t room)
{
	struct translation t = { .context = context, .load_call = load_call };
	size_t labels = 2 * set->count + 1;
	int result;

	for (size_t i = 0; i < set->count; i++)
		labels += translate_labels(&set->list[i].code);
	result = emit_start(&t.e, insns, room, labels);
	if (result)
		return result;
	result = write_all(&t, set);
	emit_free(&t.e);
	return result;
}

struct bpf_insn *expr_room(void)
{
	return calloc(WEIR_EXPR_INSNS, sizeof(struct bpf_insn));
}

int expr_set_hash(const struct expr_set *set, enum expr_context context, __u64 *hash)
{
	OWN_FREE struct bpf_insn *insns = NULL;
	int count;

	*hash = 0;
	if (!set->count)
		return 0;
	insns = expr_room();
	if (!insns)
		return -ENOMEM;
	count = expr_translate(set, context, 0, insns, WEIR_EXPR_INSNS);
	if (count < 0)
		return count;
	*hash = siphash24(insns, (size_t)count * sizeof(*insns), hash_key);
	return 0;
}
