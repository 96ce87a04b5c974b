/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is acquired is owned by the scope that acquired it.
 */
#ifndef WEIR_OWN_H
#define WEIR_OWN_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void own_free(void *p)
{
	free(*(void **)p);
}

static inline void own_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void own_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void own_closedir(DIR **d)
{
	if (*d)
		closedir(*d);
}

#define OWN(destroy) __attribute__((cleanup(destroy)))
#define OWN_FREE OWN(own_free)
#define OWN_FD OWN(own_close)
#define OWN_FILE OWN(own_fclose)
#define OWN_DIR OWN(own_closedir)

/* Hand over what a scope owns. */
#define TAKE_PTR(p)                      \
	({                               \
		__auto_type taken = (p); \
		(p) = NULL;              \
		taken;                   \
	})
#define TAKE_FD(fd)               \
	({                        \
		int taken = (fd); \
		(fd) = -1;        \
		taken;            \
	})

#endif
