/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A view that is shown again and again on a terminal, each time in place of the one before. */
#ifndef HOST_LIVE_SCREEN_H
#define HOST_LIVE_SCREEN_H

#include <stdbool.h>

/* Is standard output a terminal that this works on? */
bool live_screen_usable(void);
/* An empty screen. Returns how many lines fit on it. */
unsigned int live_screen_begin(void);

#endif
