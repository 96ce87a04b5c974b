// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The object file holds a function with more room than any set of expressions
 * needs. Its code is replaced and the rest cut off by giving its symbol the
 * new size, before libbpf reads the file; so libbpf places it, and its debug
 * information, as any other function.
 */
#include "expr.h"

#include <elf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#define ROOM_NAME "weir_expr"
#define LOAD_NAME "weir_expr_load"

struct object {
	char *bytes;
	size_t size;
	const Elf64_Shdr *sections;
	unsigned int sections_count;
};

/* NULL where the file ends before it. */
static void *part(const struct object *o, __u64 offset, __u64 size)
{
	return offset <= o->size && size <= o->size - offset ? o->bytes + offset : NULL;
}

static int open_object(struct object *o, void *elf, size_t size)
{
	const Elf64_Ehdr *header;

	*o = (struct object){ .bytes = elf, .size = size };
	header = part(o, 0, sizeof(*header));
	if (!header || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
	    header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_shentsize != sizeof(Elf64_Shdr))
		return -EINVAL;
	o->sections_count = header->e_shnum;
	o->sections = part(o, header->e_shoff, (__u64)header->e_shnum * sizeof(Elf64_Shdr));
	return o->sections ? 0 : -EINVAL;
}

static Elf64_Sym *find_in(const struct object *o, const Elf64_Shdr *table, const char *name)
{
	size_t count = table->sh_size / sizeof(Elf64_Sym);
	Elf64_Sym *symbols = part(o, table->sh_offset, table->sh_size);
	const Elf64_Shdr *strings;

	if (!symbols || table->sh_link >= o->sections_count)
		return NULL;
	strings = &o->sections[table->sh_link];
	for (size_t i = 0; i < count; i++) {
		size_t bytes = strlen(name) + 1;
		const char *found =
			symbols[i].st_name < strings->sh_size
				? part(o, strings->sh_offset + symbols[i].st_name, bytes)
				: NULL;

		if (found && !memcmp(found, name, bytes))
			return &symbols[i];
	}
	return NULL;
}

static Elf64_Sym *find_symbol(const struct object *o, const char *name)
{
	for (unsigned int i = 0; i < o->sections_count; i++) {
		if (o->sections[i].sh_type == SHT_SYMTAB)
			return find_in(o, &o->sections[i], name);
	}
	return NULL;
}

int expr_put_into_object(const struct expr_set *set, enum expr_context context, void *elf,
			 size_t elf_bytes)
{
	const Elf64_Sym *load;
	struct bpf_insn *insns;
	Elf64_Sym *room;
	struct object o;
	int count;

	if (open_object(&o, elf, elf_bytes))
		return -EINVAL;
	room = find_symbol(&o, ROOM_NAME);
	load = find_symbol(&o, LOAD_NAME);
	if (!room || !load || room->st_shndx >= o.sections_count ||
	    room->st_shndx != load->st_shndx)
		return -EINVAL;
	insns = part(&o, o.sections[room->st_shndx].sh_offset + room->st_value, room->st_size);
	if (!insns)
		return -EINVAL;
	count = expr_translate(
		set, context, ((int)load->st_value - (int)room->st_value) / (int)sizeof(*insns) - 1,
		insns, room->st_size / sizeof(*insns));
	if (count < 0)
		return count;
	room->st_size = (__u64)count * sizeof(*insns);
	return 0;
}
