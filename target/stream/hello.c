/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/stream/hello.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "target/base/clock.h"
#include "target/base/text.h"

#define BOOT_ID "/proc/sys/kernel/random/boot_id"

static void read_line(const char *path, char *dst, size_t cap)
{
	FILE *file = fopen(path, "re");

	if (!file)
		return;
	if (!fgets(dst, (int)cap, file))
		dst[0] = '\0';
	dst[strcspn(dst, "\n")] = '\0';
	fclose(file);
}

static void join(char *dst, size_t cap, char *const *words)
{
	size_t len = 0;

	for (; words && *words && len + 1 < cap; words++) {
		int n = snprintf(dst + len, cap - len, "%s%s", len ? " " : "", *words);
		if (n < 0)
			return;
		len += (size_t)n;
	}
}

static void fill_modules(ayaprof_Hello *hello, const struct source *source)
{
	struct source_report report;
	size_t room = sizeof(hello->modules) / sizeof(hello->modules[0]);

	for (size_t i = 0; i < room && source->ops->report((struct source *)source, i, &report);
		i++) {
		ayaprof_Module *module = &hello->modules[hello->modules_count++];
		text_copy(module->name, sizeof(module->name), report.module);
		text_copy(module->mechanism, sizeof(module->mechanism), report.mechanism);
		module->attached = report.attached;
		module->failed = report.failed;
	}
}

void hello_fill(ayaprof_Hello *hello, const struct config *cfg, const struct source *source)
{
	struct utsname uts = {0};

	uname(&uts);
	hello->protocol = AYP_PROTOCOL_VERSION;
	hello->protocol_min = AYP_PROTOCOL_VERSION_MIN;
	text_copy(hello->tool_version, sizeof(hello->tool_version), AYAPROF_VERSION);
	text_copy(hello->hostname, sizeof(hello->hostname), uts.nodename);
	text_copy(hello->kernel, sizeof(hello->kernel), uts.release);
	text_copy(hello->arch, sizeof(hello->arch), uts.machine);
	hello->cpus = (uint32_t)sysconf(_SC_NPROCESSORS_CONF);
	read_line(BOOT_ID, hello->boot_id, sizeof(hello->boot_id));
	hello->start_ns = source->replay ? source->start_ns : now_ns();
	hello->wall_offset_ns = (int64_t)(clock_ns(CLOCK_REALTIME) - hello->start_ns);
	hello->resolution_ns = cfg->resolution_ns;
	hello->interval_ms = cfg->interval_ms;
	hello->replay = source->replay;
	join(hello->command, sizeof(hello->command), cfg->command);
	fill_modules(hello, source);
}
