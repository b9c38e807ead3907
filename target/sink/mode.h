/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Which ways out a run has. */
#ifndef TARGET_MODE_H
#define TARGET_MODE_H

#include <stddef.h>

#include "target/base/config.h"
#include "target/sink/sink.h"

#define MODE_MAX_SINKS 2u

/* Make and open what cfg->mode asks for, the stream before the file. For MODE_AUTO say what was
 * chosen and why. Returns how many, or a negative errno after one line; nothing is then left open.
 */
int mode_open_sinks(const struct config *cfg, struct sink **sinks);

#endif
