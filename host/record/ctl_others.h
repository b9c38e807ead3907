/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Recordings of other users: their sockets are theirs alone, but who records is to be seen in /proc.
 */
#ifndef HOST_CTL_OTHERS_H
#define HOST_CTL_OTHERS_H

#include <stdbool.h>
#include <stddef.h>

/* A hostdec of another user that records, in words: "hostdec (pid 812) of user anna". With a port, one
 * that was given it, under whatever name. Safe to print. False: none is to be seen. */
bool ctl_others(const char *port, char *text, size_t size);

#endif
