/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/rcu.h"

#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#include "target/setup/guard.h"

#define SWITCH "/sys/kernel/rcu_expedited"

static bool hurried;
static int handle; /* of guard.h, while hurried */

static bool set(char digit)
{
	int fd = open(SWITCH, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, &digit, 1) == 1;

	if (fd >= 0)
		close(fd);
	return done;
}

static bool is_off(void)
{
	int fd = open(SWITCH, O_RDONLY | O_CLOEXEC);
	char digit = '1';
	bool off = fd >= 0 && read(fd, &digit, 1) == 1 && digit == '0';

	if (fd >= 0)
		close(fd);
	return off;
}

void rcu_hurry(void)
{
	if (!is_off())
		return;
	/* Left on, it would interrupt CPUs for every grace period of everybody. */
	handle = guard_number(SWITCH, 0, 1);
	hurried = set('1');
	if (!hurried)
		guard_done(handle);
}

void rcu_take_time(void)
{
	if (hurried) {
		set('0');
		guard_done(handle);
	}
	hurried = false;
}
