/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/user_machine.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <elf.h>

#include "target/syscalls/syscalls.h"

/*
 * By how the kernel's name of its machine begins. arm64 takes no probe of a 32-bit program
 * (arch/arm64/kernel/probes/uprobes.c, arch_uprobe_analyze_insn: MMCF_AARCH32), which it finds when
 * the program maps its code, and tells nobody.
 */
static const struct {
	const char *kernel;
	uint16_t probed[2];
} kernels[] = {
	{"x86_64", {EM_X86_64, EM_386}},
	{"aarch64", {EM_AARCH64}},
	{"arm", {EM_ARM}},
	{"i386", {EM_386}},
	{"i486", {EM_386}},
	{"i586", {EM_386}},
	{"i686", {EM_386}},
};

bool user_machine_probed(uint16_t machine)
{
	char own[65];
	size_t i;

	syscalls_machine(own, sizeof(own));
	for (i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++)
		if (!strncmp(own, kernels[i].kernel, strlen(kernels[i].kernel)))
			return machine == kernels[i].probed[0] || machine == kernels[i].probed[1];
	return true;
}

const char *user_machine_name(uint16_t machine)
{
	static char number[32];

	switch (machine) {
	case EM_X86_64:
		return "x86-64";
	case EM_386:
		return "32-bit x86";
	case EM_AARCH64:
		return "arm64";
	case EM_ARM:
		return "32-bit arm";
	default:
		snprintf(number, sizeof(number), "machine %u of ELF's", machine);
		return number;
	}
}
