/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Names beside a recording: text lines "FUNC-ID NAME" (CONTRACT section 5). */
#ifndef TARGET_REPLAY_NAMES_H
#define TARGET_REPLAY_NAMES_H

#include "target/source/names.h"

/* Enter all names of the file; function ids must be reserved. 0, or a negative errno after one line
 * that says where the file is wrong. */
int replay_names_load(struct names *names, const char *path);

/* What a name says about its class: recordings keep no other trace of it. */
enum ayp_class replay_guess_class(const char *name);

#endif
