// SPDX-License-Identifier: GPL-2.0-or-later
#include "expr.h"

#include <ctype.h>
#include <errno.h>
#include <nss.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pcap/pcap.h>

#include "expr_flow.h"
#include "own.h"

#define SNAP_BYTES 262144

/* A number that is too large: libpcap complains of it only if it comes so far. */
#define STOP " 99999999999"

/* Loads from here on are Linux's own, of what the kernel knows about the packet. */
#define METADATA_FIRST 0xfffff000U

_Static_assert(sizeof(struct expr_insn) == sizeof(struct bpf_insn), "not classic BPF");

void expr_code_free(struct expr_code *code)
{
	free(code->insns);
	*code = (struct expr_code){};
}

const char *expr_library_version(void)
{
	static char number[32];
	const char *version = pcap_lib_version(), *at = strpbrk(version, "0123456789");

	snprintf(number, sizeof(number), "%.*s", at ? (int)strcspn(at, " ") : 0, at ? at : "");
	return number;
}

/* A file can be read in no time; a name server may keep a check waiting. */
static void ask_no_name_server(void)
{
	static const char *const databases[] = { "hosts", "networks", "services", "protocols",
						 "ethers" };
	static bool done;

	for (size_t i = 0; i < sizeof(databases) / sizeof(*databases) && !done; i++)
		__nss_configure_lookup(databases[i], "files");
	done = true;
}

static void own_pcap(pcap_t **p)
{
	if (*p)
		pcap_close(*p);
}

/* Returns 0, -EINVAL with libpcap's words in @message, or -ENOMEM. */
static int compile(const char *text, struct bpf_program *program, char message[PCAP_ERRBUF_SIZE])
{
	OWN(own_pcap) pcap_t *p = pcap_open_dead(DLT_EN10MB, SNAP_BYTES);

	message[0] = 0;
	if (!p)
		return -ENOMEM;
	if (!pcap_compile(p, program, text, 1, PCAP_NETMASK_UNKNOWN))
		return 0;
	snprintf(message, PCAP_ERRBUF_SIZE, "%s", pcap_geterr(p));
	return -EINVAL;
}

static bool is_word_byte(char c)
{
	return isalnum((unsigned char)c) || strchr("._-:/\\$", c);
}

/* The end of the token, blanks before it included, that begins at or holds @at. */
static size_t token_end(const char *text, size_t at)
{
	at += strspn(text + at, " \t");
	if (!text[at])
		return at;
	if (!is_word_byte(text[at]))
		return at + (text[at + 1] && strchr("=<>&|", text[at + 1]) ? 2 : 1);
	while (text[at] && is_word_byte(text[at]))
		at++;
	return at;
}

/* Whether libpcap says @message of the first @bytes alone, with something behind them. */
static bool fails_within(const char *text, size_t bytes, const char *message)
{
	char cut[EXPR_BYTES_MAX + sizeof(STOP)], found[PCAP_ERRBUF_SIZE];
	struct bpf_program program;

	snprintf(cut, sizeof(cut), "%.*s" STOP, (int)bytes, text);
	if (compile(cut, &program, found))
		return !strcmp(found, message);
	pcap_freecode(&program);
	return false;
}

/*
 * libpcap gives no place. Find the first token after which it says the same,
 * by halving: an error does not go away when text is added behind it.
 */
static void find_place(const char *text, const char *message, struct expr_error *error)
{
	OWN_FREE size_t *ends = calloc(strlen(text) + 1, sizeof(*ends));
	size_t count = 0, first = 0, last, start;

	error->at = 0;
	error->width = strlen(text);
	if (!ends || fails_within(text, 0, message))
		return;
	for (size_t at = token_end(text, 0); !count || at > ends[count - 1];
	     at = token_end(text, at))
		ends[count++] = at;
	for (last = count; first < last;) {
		size_t half = (first + last) / 2;

		if (fails_within(text, ends[half], message))
			last = half;
		else
			first = half + 1;
	}
	if (first == count) { /* it ends too early */
		error->at = strlen(text);
		error->width = 1;
		return;
	}
	start = first ? ends[first - 1] : 0;
	start += strspn(text + start, " \t");
	error->at = start;
	error->width = ends[first] > start ? ends[first] - start : 1;
}

static void explain(const char *text, const char *message, struct expr_error *error)
{
	if (!strcmp(message, "expression rejects all packets")) {
		*error = (struct expr_error){ .width = strlen(text) };
		snprintf(error->message, sizeof(error->message),
			 "no packet can match this expression");
		return;
	}
	find_place(text, message, error);
	if (error->at == strlen(text) && strstr(message, "syntax error"))
		snprintf(error->message, sizeof(error->message),
			 "the expression ends too early; see pcap-filter(7)");
	else if (strstr(message, "only on PF linktype") || strstr(message, "ifname not"))
		snprintf(error->message, sizeof(error->message),
			 "the interface is not in the packet, which is all that an expression "
			 "sees; write interface NAME beside expr");
	else if (strstr(message, "syntax error"))
		snprintf(error->message, sizeof(error->message),
			 "syntax error in the expression; see pcap-filter(7)");
	else
		snprintf(error->message, sizeof(error->message), "%.200s; see pcap-filter(7)",
			 message);
}

static bool reads_metadata(const struct bpf_program *program)
{
	for (unsigned int i = 0; i < program->bf_len; i++) {
		const struct bpf_insn *insn = &program->bf_insns[i];

		if ((BPF_CLASS(insn->code) == BPF_LD || BPF_CLASS(insn->code) == BPF_LDX) &&
		    (BPF_MODE(insn->code) == BPF_ABS || BPF_MODE(insn->code) == BPF_IND) &&
		    insn->k >= METADATA_FIRST)
			return true;
	}
	return false;
}

/* The first of these that stands in @text as a word is what asked for it. */
static int refuse_metadata(const char *text, struct expr_error *error)
{
	static const struct {
		const char *word, *remedy;
	} known[] = {
		{ "inbound", "a filter is for one direction: \"filter NAME\" in an interface "
			     "block is for what comes in" },
		{ "outbound", "a filter is for one direction: \"filter NAME egress\" in an "
			      "interface block is for what leaves" },
		{ "ifindex", "write interface NAME beside expr" },
	};
	size_t end;

	for (size_t at = 0; text[at]; at = end) {
		at += strspn(text + at, " \t");
		end = token_end(text, at);
		for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
			if (end - at != strlen(known[i].word) ||
			    strncmp(text + at, known[i].word, end - at) != 0)
				continue;
			*error = (struct expr_error){ .at = at, .width = end - at };
			snprintf(error->message, sizeof(error->message),
				 "%s is not in the packet, which is all that an expression sees; "
				 "%s",
				 known[i].word, known[i].remedy);
			return -EINVAL;
		}
	}
	*error = (struct expr_error){ .width = strlen(text) };
	snprintf(error->message, sizeof(error->message),
		 "this asks for what is not in the packet, which is all that an expression sees");
	return -EINVAL;
}

static int copy(const struct bpf_program *program, struct expr_code *code)
{
	struct expr_insn *insns = calloc(program->bf_len + 1, sizeof(*insns));

	if (!insns)
		return -ENOMEM;
	for (unsigned int i = 0; i < program->bf_len; i++) {
		insns[i] = (struct expr_insn){ .code = program->bf_insns[i].code,
					       .jt = program->bf_insns[i].jt,
					       .jf = program->bf_insns[i].jf,
					       .k = program->bf_insns[i].k };
	}
	*code = (struct expr_code){ .insns = insns, .count = program->bf_len };
	return 0;
}

static int refuse_chance(const char *text, struct expr_error *error)
{
	*error = (struct expr_error){ .width = strlen(text) };
	snprintf(error->message, sizeof(error->message),
		 "libpcap gives no certain answer to this, because it has geneve with \"or\" or "
		 "\"not\"; write a rule for each part");
	return -EINVAL;
}

int expr_compile(const char *text, struct expr_code *code, struct expr_error *error)
{
	char message[PCAP_ERRBUF_SIZE];
	struct expr_code made = {};
	struct bpf_program program;
	int result;

	ask_no_name_server();
	result = compile(text, &program, message);
	if (result == -EINVAL)
		explain(text, message, error);
	if (result)
		return result;
	result = reads_metadata(&program) ? refuse_metadata(text, error) : copy(&program, &made);
	pcap_freecode(&program);
	if (result)
		return result;
	result = flow_reads_unwritten(&made);
	if (!result)
		*code = made;
	else
		expr_code_free(&made);
	return result > 0 ? refuse_chance(text, error) : result;
}
