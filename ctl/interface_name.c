// SPDX-License-Identifier: GPL-2.0-or-later
#include "interface_name.h"

#include <net/if.h>
#include <string.h>

const char *interface_name_wrong(const char *name, size_t size)
{
	if (!size || (size <= 2 && !memcmp(name, "..", size)))
		return "is no interface name";
	if (size >= IFNAMSIZ)
		return "has over 15 bytes; interface names are shorter";
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)name[i];

		if (c == '/' || c == ':' || c == '"' || c == '\\' || c <= ' ' || c == 0x7f)
			return "has a character that no interface name has";
	}
	return NULL;
}

bool interface_name_is_pattern(const char *name)
{
	return strpbrk(name, "*?") != NULL;
}
