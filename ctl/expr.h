/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pcap-filter(7) expressions: text -> classic BPF (libpcap) -> eBPF -> a place
 * in the object that is loaded.
 */
#ifndef WEIR_CTL_EXPR_H
#define WEIR_CTL_EXPR_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "failure.h"
#include "model.h"
#include "weir/expr.h"

/* As struct sock_filter; libpcap's headers and the kernel's exclude one another. */
struct expr_insn {
	__u16 code;
	__u8 jt, jf;
	__u32 k;
};

struct expr_code {
	struct expr_insn *insns;
	size_t count;
};

/* What is wrong with an expression, and with which bytes of it. */
struct expr_error {
	size_t at;
	size_t width; /* at least 1 */
	char message[256]; /* problem; remedy */
};

/*
 * Compile @text with libpcap for Ethernet frames. Names of hosts, networks and
 * ports are looked up in local files alone; the resolver is not asked.
 *
 * Returns 0; -EINVAL with @error filled in; or -ENOMEM. @code is to be freed
 * with expr_code_free() and untouched on failure.
 */
int expr_compile(const char *text, struct expr_code *code, struct expr_error *error);
void expr_code_free(struct expr_code *code);

/* Of the library in use: "1.10.3". */
const char *expr_library_version(void);

/* The number that conditions know an expression by, from its text alone. */
__u32 expr_id(const char *text);

/* The expressions that a program has code for; in the order of their ids. */
struct expr {
	__u32 id;
	char *text;
	struct expr_code code;
};

struct expr_set {
	struct expr *list;
	size_t count;
};

bool expr_set_has(const struct expr_set *set, const char *text);
/* Does nothing where the text is there already. */
int expr_set_add(struct expr_set *set, const char *text, struct failure *why);
/* All expressions of the filter called @filter; none where there is no such filter. */
int expr_set_add_filter(struct expr_set *set, const struct model *m, const char *filter,
			struct failure *why);
void expr_set_free(struct expr_set *set);

/* The context that a program runs on. */
enum expr_context { EXPR_XDP, EXPR_SKB, EXPR_CONTEXTS };

struct bpf_insn;

/* Room for WEIR_EXPR_INSNS, to be freed; or NULL. */
struct bpf_insn *expr_room(void);

/*
 * eBPF for int weir_expr(ctx, id): 1 where the frame matches the expression of
 * that id, else 0.
 *
 * @load_call  what a call of weir_expr_load() has for imm in the first
 *             instruction of the function, less one for each after it
 *
 * Returns the number of instructions, at most @room; -E2BIG; or -ENOMEM.
 */
int expr_translate(const struct expr_set *set, enum expr_context context, int load_call,
		   struct bpf_insn *insns, size_t room);

/* A number for the code of a set: of two sets with the same one it is the same; 0 for none. */
int expr_set_hash(const struct expr_set *set, enum expr_context context, __u64 *hash);

/*
 * Put the code of @set into a copy of an object file, to be opened by libbpf.
 *
 * Returns 0; -EINVAL where the object has no place for it; -E2BIG; -ENOMEM.
 * @elf is not to be used on failure.
 */
int expr_put_into_object(const struct expr_set *set, enum expr_context context, void *elf,
			 size_t elf_bytes);

#endif
