/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Talk, on stderr: what was achieved where it may differ from what was
 * expected. Data goes to stdout, failures through failure.h.
 */
#ifndef WEIR_NOTE_H
#define WEIR_NOTE_H

void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Turned on by --verbose: libbpf's messages go to stderr, too. */
void note_libbpf(void);

/*
 * Why the last thing that was asked of libbpf failed: the verifier's last word
 * where it refused a program, else libbpf's first; "" when it has none. Forgets
 * it. Valid until the next call. Called once before, so that libbpf is heard.
 */
const char *note_libbpf_reason(void);

#endif
