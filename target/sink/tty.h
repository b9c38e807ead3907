/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A serial device at any rate: raw, 8N1, ours alone; or a console shared with a login, left as it
 * is. Linux's termios2 (BOTHER), because the Bxxx constants of termios.h end at 4,000,000 and know
 * only some rates in between.
 */
#ifndef TARGET_TTY_H
#define TARGET_TTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <asm/termbits.h>

#include "proto/message.h"

struct tty {
	int fd;
	struct termios2 before; /* to be restored */
	bool shared;
	bool changed; /* shared: rate or flow control */
	int guard;    /* of guard.h; negative: none */
};

struct tty_options {
	uint32_t baud; /* 0: what the device has */
	bool rtscts;
	/* Others have it open, too: a login and its programs. Their settings stay, but for the rate
	 * and flow control where asked for, and nobody is kept out but a second one of us. */
	bool shared;
};

/* Open for writing without blocking. *got: the rate the driver says it runs at. On failure returns
 * a negative errno and a line in `why` that says what is wrong and what to do: -ENOTTY not a serial
 * device, -EBUSY somebody else's, -ERANGE the driver runs at another rate. */
int tty_open(struct tty *t, const char *path, const struct tty_options *opt, uint32_t *got,
	char *why, size_t why_size);
/* Another rate on the open device. 0, or a negative errno (-ERANGE: the driver made it another one)
 * and the device is as before. */
int tty_set_rate(struct tty *t, uint32_t baud, uint32_t *got);
/* The driver's counters, from wherever they began (32 bits each); false: it has none. */
bool tty_errors(const struct tty *t, ayaprof_UartErrors *counters);
/* Bytes the driver still holds; 0 if it does not say. */
size_t tty_unsent(const struct tty *t);
void tty_discard(const struct tty *t);
/* Drop what the driver holds, and set what was found; the device stays open. */
void tty_restore(const struct tty *t);
/* Restores the settings found, as far as the device is still there. */
void tty_close(struct tty *t);

#endif
