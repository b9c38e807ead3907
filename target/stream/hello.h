/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Who this board is, for the first message of a session. */
#ifndef TARGET_HELLO_H
#define TARGET_HELLO_H

#include "target/base/config.h"
#include "target/source/source.h"

/* Everything but the line's own fields (baud, link). The source is started. */
void hello_fill(ayaprof_Hello *hello, const struct config *cfg, const struct source *source);

#endif
