// SPDX-License-Identifier: GPL-2.0-or-later
#include "libpcap.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static struct libpcap functions;
static char failed[256]; /* empty: it is there */

static void note_problem(void)
{
	const char *said = dlerror();

	snprintf(failed, sizeof(failed), "%s", said ? said : WEIR_LIBPCAP " cannot be loaded");
}

/* As POSIX has it, an object's pointer becomes a function's. */
static void find(void *library, const char *name, void *function)
{
	void *symbol = dlsym(library, name);

	if (!symbol)
		note_problem();
	memcpy(function, &symbol, sizeof(symbol));
}

static void load(void)
{
	void *library = dlopen(WEIR_LIBPCAP, RTLD_NOW | RTLD_LOCAL);

	if (!library) {
		note_problem();
		return;
	}
#define X(name) find(library, "pcap_" #name, &functions.name);
	LIBPCAP_FUNCTIONS(X)
#undef X
}

const struct libpcap *libpcap_load(const char **problem)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, load);
	if (!*failed)
		return &functions;
	*problem = failed;
	return NULL;
}
