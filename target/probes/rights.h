/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What capabilities(7) the daemon lacks for tracing. */
#ifndef TARGET_PROBES_RIGHTS_H
#define TARGET_PROBES_RIGHTS_H

#include <stdbool.h>
#include <stddef.h>

/* True, and out says which ("CAP_PERFMON is missing, CAP_BPF is there; ..."), if any is; false: it
 * has CAP_SYS_ADMIN, or both. */
bool rights_missing(char *out, size_t size);

#endif
