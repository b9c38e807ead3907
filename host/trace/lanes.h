/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Who was on which CPU: calls into segments (struct trace_segment), as events come. The pairer
 * drives it; without a sink for segments it is not made.
 */
#ifndef HOST_TRACE_LANES_H
#define HOST_TRACE_LANES_H

#include "host/trace/stage.h"

#endif
