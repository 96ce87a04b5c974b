// SPDX-License-Identifier: GPL-2.0-or-later
#include "reason.h"

const struct reason reasons[WEIR_R_COUNT] = {
#define X(sym, name, fate, text) [WEIR_R_##sym] = { name, text, WEIR_FATE_##fate },
	WEIR_REASONS(X)
#undef X
};
