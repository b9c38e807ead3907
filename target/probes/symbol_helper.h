/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The process beside the daemon that looks at other processes: which file an address of theirs is
 * in, and which function.
 *
 * Whatever is looked at belongs to somebody who may want to do harm: opening a file can wait for
 * ever (a file system in user space, a server that is away), so can reading a process's maps. So
 * the daemon does neither. It asks, goes on, and ends a helper that does not answer
 * (symbol_client.h). The helper opens, and a process without privileges reads (symbol_reader.h).
 */
#ifndef TARGET_PROBES_SYMBOL_HELPER_H
#define TARGET_PROBES_SYMBOL_HELPER_H

#include <stdbool.h>

/* The program is started by this name, without arguments, with the way to the daemon (a socket) in
 * place of stdin. */
#define SYMBOL_HELPER_NAME "ayaprof-uart-symbols"

/* Are these the arguments of a helper? */
bool symbol_helper_called(int argc, char *const *argv);
/* Be one, until the daemon is gone. Returns the exit status. */
int symbol_helper_run(void);

#endif
