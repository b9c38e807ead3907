/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/base/usage.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static uint64_t helper_cpu_us, helper_peak_kb;

void usage_set_helper(uint64_t cpu_us, uint64_t peak_rss_kb)
{
	helper_cpu_us = cpu_us;
	helper_peak_kb = peak_rss_kb;
}

uint64_t usage_helper_peak_rss_kb(void)
{
	return helper_peak_kb;
}

uint64_t usage_cpu_us(void)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	return helper_cpu_us +
	       ((uint64_t)ru.ru_utime.tv_sec + (uint64_t)ru.ru_stime.tv_sec) * 1000000u +
	       (uint64_t)ru.ru_utime.tv_usec + (uint64_t)ru.ru_stime.tv_usec;
}

static uint64_t status_field(const char *key)
{
	char text[2048], *at;
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	at = strstr(text, key);
	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

uint64_t usage_rss_kb(void)
{
	return status_field("VmRSS:");
}

uint64_t usage_peak_rss_kb(void)
{
	return status_field("VmHWM:");
}
