/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/user_insn.h"

#include "framing/bytes.h"

bool user_insn_decode(enum user_arch arch, const uint8_t *bytes, size_t n, uint64_t address,
	struct user_insn *out)
{
	*out = (struct user_insn){
		.address = address,
		.dst = USER_REG_NONE,
		.base = USER_REG_NONE,
		.index = USER_REG_NONE,
	};
	if (arch == USER_X86_64 || arch == USER_X86_32)
		return user_insn_x86(arch == USER_X86_64, bytes, n, address, out);
	if (n < 4 || address % 4)
		return false;
	out->length = 4;
	return arch == USER_ARM64 ? user_insn_arm64(get_le32(bytes), out)
				  : user_insn_arm(get_le32(bytes), out);
}

size_t user_insn_step(enum user_arch arch)
{
	return arch == USER_X86_64 || arch == USER_X86_32 ? 1 : 4;
}

bool user_insn_known(enum user_arch arch)
{
	return arch == USER_ARM64 || arch == USER_ARM || (USER_INSN_X86 && arch < USER_ARCHS);
}
