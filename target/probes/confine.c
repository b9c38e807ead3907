/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/confine.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

/* The overflow id of kernel/sys.c: files of users that a namespace does not know, and by custom a
 * user without any. */
#define NOBODY 65534u

/* The sanitizers' own memory is terabytes of address space, and their last words need system
 * calls. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static void limit(int what, rlim_t value)
{
	struct rlimit r = {value, value};

	(void)setrlimit(what, &r);
}

static uint64_t bit(unsigned int capability)
{
	return UINT64_C(1) << capability;
}

/* Of the capabilities that we have, only these. */
static void keep_capabilities(uint64_t keep)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &head, data))
		return;
	/* Before Linux 5.9 (124ea650d307) a mapped file was opened with the power of an
	 * administrator only. */
	if (data[1].permitted & (uint32_t)(bit(40) >> 32))
		keep &= ~bit(CAP_SYS_ADMIN);
	for (unsigned int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].permitted &= (uint32_t)(keep >> (32 * i));
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	(void)syscall(SYS_capset, &head, data);
}

static void go_first_when_memory_runs_out(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)!write(fd, "1000", 4);
	close(fd);
}

void confine_opener(void)
{
	const uint64_t checkpoint_restore = bit(40); /* since Linux 5.9 */

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	go_first_when_memory_runs_out();
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_FSIZE, 0);
	limit(RLIMIT_NOFILE, CONFINE_FILES);
	if (!SANITIZED)
		limit(RLIMIT_DATA, 16u << 20);
	keep_capabilities(bit(CAP_SYS_PTRACE) | bit(CAP_DAC_READ_SEARCH) | checkpoint_restore |
			  bit(CAP_SYS_ADMIN) | bit(CAP_SETUID) | bit(CAP_SETGID) |
			  bit(CAP_SYS_CHROOT) | bit(CAP_KILL));
}

/* ---- system calls --------------------------------------------------------------------------- */

#if defined(__x86_64__) && !defined(__ILP32__)
#define AUDIT_ARCH_HERE AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && defined(__LP64__)
#define AUDIT_ARCH_HERE AUDIT_ARCH_AARCH64
#elif defined(__arm__) && defined(__ARM_EABI__)
#define AUDIT_ARCH_HERE AUDIT_ARCH_ARM
#elif defined(__riscv) && __riscv_xlen == 64
#define AUDIT_ARCH_HERE AUDIT_ARCH_RISCV64
#endif

#ifdef AUDIT_ARCH_HERE
#define ALLOW(name)                                                                                \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (SYS_##name), 0, 1),                                   \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define FIELD(name)                                                                                \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, name))

/* Of another call's number, or the same number in another convention, the process dies. */
static void allow_few_calls(void)
{
	static struct sock_filter code[] = {
		FIELD(arch),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_HERE, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		FIELD(nr),
		ALLOW(pread64),
		ALLOW(recvmsg),
		ALLOW(sendto),
		ALLOW(close),
		ALLOW(getrusage),
		ALLOW(exit_group),
		ALLOW(rt_sigreturn),
		ALLOW(restart_syscall),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	static struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}
#else
static void allow_few_calls(void)
{
}
#endif

/* A directory that is empty once this process is gone, and has nothing of use before. */
static void leave_file_system(void)
{
	if (chroot("/proc/self/fdinfo") == 0)
		(void)!chdir("/");
}

void confine_reader(void)
{
	leave_file_system();
	/* From here on, one that is not root has kept who it is. */
	(void)setgroups(0, NULL);
	(void)!setresgid(NOBODY, NOBODY, NOBODY);
	(void)!setresuid(NOBODY, NOBODY, NOBODY);
	keep_capabilities(0);
	/* A change of identity clears both of these. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	limit(RLIMIT_NPROC, 0);
	limit(RLIMIT_NOFILE, 3);
	limit(RLIMIT_MEMLOCK, 0);
	if (SANITIZED)
		return;
	limit(RLIMIT_DATA, 8u << 20);
	allow_few_calls();
}
