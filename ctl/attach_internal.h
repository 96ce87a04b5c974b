/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef WEIR_ATTACH_INTERNAL_H
#define WEIR_ATTACH_INTERNAL_H

#include "attach.h"

/* cls_bpf of weir: one handle and one priority, so that it replaces only itself. */
int clsact_attach(const struct state *s, __u32 ifindex, enum hook hook, int program,
		  struct failure *why);
int clsact_replace(const struct state *s, __u32 ifindex, enum hook hook, int program,
		   struct failure *why);
int clsact_remove(__u32 ifindex, enum hook hook, struct failure *why);

/*
 * Remove the qdisc that weir made, once no program of weir's stands on the
 * device: Linux before 6.6 loses packets that leave while a clsact comes or goes.
 */
int clsact_tidy(const struct state *s, __u32 ifindex, struct failure *why);
/* Forget that the qdisc of a device that is gone was weir's. */
void clsact_forget(const struct state *s, const char *pin);
/* The id of the program in weir's place, 0 where that is free. */
__u32 clsact_installed(__u32 ifindex, enum hook hook);
int clsact_check_foreign(const struct state *s, __u32 ifindex, const char *ifname, enum hook hook,
			 struct failure *why);

/*
 * The reason that the kernel gives for refusing @program on @ifindex, as its
 * netlink answer has it, or "" where it has none or would now accept it.
 */
const char *xdp_refusal(__u32 ifindex, int program, __u32 flags, char *text, size_t size);

/* What helps against that reason, "; ..." to stand behind it, or "" where nothing is known. */
const char *xdp_remedy(const char *reason);

/* Of the XDP program that runs on the device, 0 for none. */
__u32 xdp_program_id(__u32 ifindex);

/* Name and id of the program, "xdp_pass (id 12)"; @buf has 64 bytes. */
const char *program_title(__u32 id, char *buf);

#endif
