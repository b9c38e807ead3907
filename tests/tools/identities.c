/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Programs whose names or system calls are not what they seem: threads that rename themselves, calls of another ABI. */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALLS_EACH 3

static int fail(const char *what)
{
	fprintf(stderr, "identities: %s: %s\n", what, strerror(errno));
	return 1;
}

static void *named_thread(void *arg)
{
	char name[16];

	snprintf(name, sizeof(name), "short %lu", (unsigned long)(uintptr_t)arg);
	prctl(PR_SET_NAME, name);
	for (int i = 0; i < CALLS_EACH; i++)
		syscall(SYS_getppid);
	return NULL;
}

/* N threads, one after the other, that name themselves. */
static int run_threads(unsigned long n, char **argv)
{
	for (unsigned long i = 0; i < n; i++) {
		pthread_t thread;

		errno = pthread_create(&thread, NULL, named_thread, (void *)(uintptr_t)i);
		if (errno)
			return fail("pthread_create");
		pthread_join(thread, NULL);
	}
	return 0;
}

static void *ask_often(void *arg)
{
	for (unsigned long i = 0; i < (unsigned long)(uintptr_t)arg; i++)
		syscall(SYS_getppid);
	return NULL;
}

static pthread_barrier_t named;

static void *ask_when_named(void *n)
{
	pthread_barrier_wait(&named);
	return ask_often(n);
}

/* A thread that is given its name by another one, before it asks anything. */
static int run_given(unsigned long n, char **argv)
{
	pthread_t thread;

	errno = pthread_barrier_init(&named, NULL, 2);
	if (!errno)
		errno = pthread_create(&thread, NULL, ask_when_named, (void *)(uintptr_t)n);
	if (!errno)
		errno = pthread_setname_np(thread, "given");
	if (errno)
		return fail("thread");
	pthread_barrier_wait(&named);
	ask_often((void *)(uintptr_t)n);
	pthread_join(thread, NULL);
	return 0;
}

#ifdef __x86_64__
static long call_i386(long nr)
{
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(nr) : "memory", "r8", "r9", "r10", "r11");
	return result;
}

/* N calls of i386's getpid, whose number is x86-64's writev; N + 1 of x32's getppid, which kernels mostly refuse; N + 2 of our own getppid; then the
 * program that argv names. */
static int run_abis(unsigned long n, char **argv)
{
	for (unsigned long i = 0; i < n; i++)
		if (call_i386(20) != getpid())
			return fail("this kernel does not take i386's calls");
	for (unsigned long i = 0; i < n + 1; i++)
		syscall(0x40000000 | SYS_getppid);
	for (unsigned long i = 0; i < n + 2; i++)
		syscall(SYS_getppid);
	if (*argv)
		execv(*argv, argv);
	return *argv ? fail(*argv) : 0;
}
#else
static int run_abis(unsigned long n, char **argv)
{
	fputs("identities: only x86-64 takes calls of several ABIs from one program\n", stderr);
	return 2;
}
#endif

int main(int argc, char **argv)
{
	unsigned long n = argc >= 3 ? strtoul(argv[2], NULL, 10) : 0;

	if (n && !strcmp(argv[1], "threads"))
		return run_threads(n, argv + 3);
	if (n && !strcmp(argv[1], "given"))
		return run_given(n, argv + 3);
	if (n && !strcmp(argv[1], "abis"))
		return run_abis(n, argv + 3);
	fputs("usage: identities threads|given|abis N [PROGRAM]\n", stderr);
	return 2;
}
