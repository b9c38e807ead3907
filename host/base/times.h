/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Times and numbers as people type them on the command line. */
#ifndef HOST_TIMES_H
#define HOST_TIMES_H

#include <stdbool.h>
#include <stdint.h>

/* "A-B" in ns, or with units ("1s-2.5s", "10ms-20ms", "1-2.5s" is ns to s); a missing side is the
 * recording's start or end; "=A-B" as well, since some write -f=A-B. False: not that, or empty. */
bool times_parse_range(const char *text, uint64_t *from_ns, uint64_t *to_ns);

/* "250us", "10ms", "1.5s"; a bare number is ns. */
bool times_parse(const char *text, uint64_t *ns);

/* A share of the view: "0.05", or the same in percent, "5%". */
bool times_parse_share(const char *text, double *share);

#endif
