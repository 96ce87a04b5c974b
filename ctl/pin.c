// SPDX-License-Identifier: GPL-2.0-or-later
#include "pin.h"

bool pin_decode(const struct weir_pin *pin, __u32 now_s, struct seen_pin *out)
{
	enum weir_pin_state state = pin->state >> WEIR_PIN_STATE_SHIFT & WEIR_PIN_STATE_MASK;
	__u64 life = state == WEIR_PIN_FRAGMENT ? WEIR_PIN_FRAGMENT_S
						: 1ULL << (pin->state >> WEIR_PIN_LIFE_SHIFT);
	__s32 since = (__s32)(now_s - pin->seen);
	__u32 age = since > 0 ? (__u32)since : 0;

	*out = (struct seen_pin){
		.tag = pin->tag,
		.state = state,
		.backend = pin->state & WEIR_PIN_BACKEND_MASK,
		.age_s = age,
		.left_s = (__u32)(life > age ? life - age : 0),
	};
	return state != WEIR_PIN_FREE && state != WEIR_PIN_BUSY && age <= life;
}

bool pin_is_note(const struct seen_pin *pin)
{
	return pin->state == WEIR_PIN_FRAGMENT || pin->state == WEIR_PIN_VERIFIED;
}
