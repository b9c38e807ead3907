/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Which adapter a device is, whatever its name: udev keeps links in /dev/serial/by-id (maker and serial
 * number) and /dev/serial/by-path (the socket it is plugged into) that lead to it.
 */
#ifndef HOST_IDENTITY_H
#define HOST_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>

#define IDENTITY_PATH 256

/* The link in `dir` that leads to `device`, with its directory; false: there is none (or it has no room).
 */
bool identity_find(const char *dir, const char *device, char link[IDENTITY_PATH]);

/* The device to open for `port`, which was found to be `identity` earlier (""; not known): where that
 * leads now if it leads anywhere, else where `port` leads, else `port` as it is. */
void identity_follow(const char *port, const char *identity, char device[IDENTITY_PATH]);

#endif
