// SPDX-License-Identifier: GPL-2.0-or-later
#include "expr.h"

#include <ctype.h>
#include <errno.h>
#include <nss.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expr_flow.h"
#include "libpcap.h"
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
	const char *problem, *at = NULL;
	const struct libpcap *lib = libpcap_load(&problem);

	if (!lib)
		return "missing";
	at = strpbrk(lib->lib_version(), "0123456789");
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

/* Returns 0, -EINVAL with libpcap's words in @message, or -ENOMEM. */
static int compile(const struct libpcap *lib, const char *text, struct bpf_program *program,
		   char message[PCAP_ERRBUF_SIZE])
{
	pcap_t *p = lib->open_dead(DLT_EN10MB, SNAP_BYTES);
	int error;

	message[0] = 0;
	if (!p)
		return -ENOMEM;
	error = lib->compile(p, program, text, 1, PCAP_NETMASK_UNKNOWN) ? -EINVAL : 0;
	if (error)
		snprintf(message, PCAP_ERRBUF_SIZE, "%s", lib->geterr(p));
	lib->close(p);
	return error;
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
static bool fails_within(const struct libpcap *lib, const char *text, size_t bytes,
			 const char *message)
{
	char cut[EXPR_BYTES_MAX + sizeof(STOP)], found[PCAP_ERRBUF_SIZE];
	struct bpf_program program;

	snprintf(cut, sizeof(cut), "%.*s" STOP, (int)bytes, text);
	if (compile(lib, cut, &program, found))
		return !strcmp(found, message);
	lib->freecode(&program);
	return false;
}

/*
 * libpcap gives no place. Find the first token after which it says the same,
 * by halving: an error does not go away when text is added behind it.
 */
static void find_place(const struct libpcap *lib, const char *text, const char *message,
		       struct expr_error *error)
{
	OWN_FREE size_t *ends = calloc(strlen(text) + 1, sizeof(*ends));
	size_t count = 0, first = 0, last, start;

	error->at = 0;
	error->width = strlen(text);
	if (!ends || fails_within(lib, text, 0, message))
		return;
	for (size_t at = token_end(text, 0); !count || at > ends[count - 1];
	     at = token_end(text, at))
		ends[count++] = at;
	for (last = count; first < last;) {
		size_t half = (first + last) / 2;

		if (fails_within(lib, text, ends[half], message))
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

static void explain(const struct libpcap *lib, const char *text, const char *message,
		    struct expr_error *error)
{
	if (!strcmp(message, "expression rejects all packets")) {
		*error = (struct expr_error){ .width = strlen(text) };
		snprintf(error->message, sizeof(error->message),
			 "no packet can match this expression");
		return;
	}
	find_place(lib, text, message, error);
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

static int refuse_without(const char *text, const char *problem, struct expr_error *error)
{
	*error = (struct expr_error){ .width = strlen(text) };
	snprintf(error->message, sizeof(error->message),
		 "expressions need libpcap: %.150s; install it, or write the rule without expr",
		 problem);
	return -EINVAL;
}

int expr_compile(const char *text, struct expr_code *code, struct expr_error *error)
{
	char message[PCAP_ERRBUF_SIZE];
	struct expr_code made = {};
	struct bpf_program program;
	const struct libpcap *lib;
	const char *problem;
	int result;

	lib = libpcap_load(&problem);
	if (!lib)
		return refuse_without(text, problem, error);
	ask_no_name_server();
	result = compile(lib, text, &program, message);
	if (result == -EINVAL)
		explain(lib, text, message, error);
	if (result)
		return result;
	result = reads_metadata(&program) ? refuse_metadata(text, error) : copy(&program, &made);
	lib->freecode(&program);
	if (result)
		return result;
	result = flow_reads_unwritten(&made);
	if (!result)
		*code = made;
	else
		expr_code_free(&made);
	return result > 0 ? refuse_chance(text, error) : result;
}
