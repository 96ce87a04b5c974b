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
 * The last line of what libbpf had to say since the last call, without its
 * newline, or "". Valid until the next call.
 */
const char *note_libbpf_last(void);

#endif
