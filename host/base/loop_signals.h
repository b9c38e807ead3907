/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The signals of loop.h; between its files only. */
#ifndef HOST_LOOP_SIGNALS_H
#define HOST_LOOP_SIGNALS_H

/* A descriptor that is readable after a signal, or a negative errno. */
int loop_signals_catch(void);
/* It has been seen: readable again after the next one. */
void loop_signals_heard(void);
/* As it was before loop_signals_catch. */
void loop_signals_restore(void);

#endif
