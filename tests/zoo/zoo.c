/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Programs that a probe could disturb: zoo MODE [N]. Each prints what it computed, so that a changed result is
 * seen, and "calls NAME N" for functions whose calls it counts itself, all of them ("ends NAME N": if not each call has an end of
 * its own). Its exit status says something, too.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <ucontext.h>
#endif

#define NI __attribute__((noinline, noclone, used))

static volatile long sink;
static long calls_a, calls_b;
static jmp_buf jump;

/* ---- a part that is jumped to, with the caller's frame on the stack */

__attribute__((cold, noinline, noclone, used)) void zoo_rare(long *p)
{
	sink += p[1];
}

NI long zoo_cold(long i)
{
	volatile long a[6];

	calls_a++;
	a[0] = i;
	a[1] = i * 2;
	a[5] = 1;
	if (__builtin_expect(i % 10 == 3, 0)) {
		zoo_rare((long *)a);
		sink += a[5];
		return a[0];
	}
	return a[0];
}

static int cold(long n)
{
	long i, bad = 0;

	for (i = 0; i < n; i++)
		bad += zoo_cold(i) != i;
	printf("cold: %ld wrong\ncalls zoo_cold %ld\n", bad, calls_a);
	return bad != 0;
}

/* ---- jumps instead of calls at the end */

NI long zoo_tail_last(long i)
{
	calls_b++;
	return i + 2;
}

NI long zoo_tail(long i)
{
	calls_a++;
	return zoo_tail_last(i + 1);
}

static long (*volatile through)(long) = zoo_tail_last;

NI long zoo_tail_pointer(long i)
{
	calls_a++;
	return through(i);
}

/*
 * What compilers make of it on few machines: zoo_tail_if jumps to zoo_tail_last on two conditions and adds 7 on none;
 * zoo_again begins with a loop, i times (i > 0), and returns 0.
 */
long zoo_tail_if(long i), zoo_again(long i);
#define FUNCTION(name, body)                                                                       \
	__asm__(".text\n.balign 4\n.globl " #name "\n.type " #name ", %function\n" #name           \
		":\n" body ".size " #name ", .-" #name "\n")
#if defined(__aarch64__)
FUNCTION(zoo_tail_if, "cbz x0, zoo_tail_last\ntbnz x0, #1, zoo_tail_last\nadd x0, x0, #7\nret\n");
FUNCTION(zoo_again, "sub x0, x0, #1\ncbnz x0, zoo_again\nret\n");
#elif defined(__arm__) && !defined(__thumb__)
FUNCTION(zoo_tail_if,
	"cmp r0, #0\nbeq zoo_tail_last\ntst r0, #2\nbne zoo_tail_last\nadd r0, r0, #7\nbx lr\n");
FUNCTION(zoo_again, "subs r0, r0, #1\nbne zoo_again\nbx lr\n");
#elif defined(__x86_64__)
FUNCTION(zoo_tail_if, "test %rdi, %rdi\nje zoo_tail_last\ntest $2, %dil\njne zoo_tail_last\nlea "
		      "7(%rdi), %rax\nret\n");
FUNCTION(zoo_again, "sub $1, %rdi\njne zoo_again\nmov %rdi, %rax\nret\n");
#else
NI long zoo_tail_if(long i)
{
	return !i || i & 2 ? zoo_tail_last(i) : i + 7;
}

NI long zoo_again(long i)
{
	while (--i)
		__asm__ volatile("");
	return i;
}
#endif

static int tail(long n)
{
	long i, sum = 0;

	for (i = 0; i < n; i++)
		sum += zoo_tail(i);
	printf("tail: %ld\ncalls zoo_tail %ld\n", sum, calls_a);
	calls_a = 0;
	for (i = 0; i < n; i++)
		sum += zoo_tail_pointer(i);
	for (i = 0; i < n; i++)
		sum += zoo_tail_if(i) + zoo_again(1 + i % 5);
	printf("tail: %ld\ncalls zoo_tail_pointer %ld\ncalls zoo_tail_if %ld\ncalls zoo_again %ld\n"
	       "calls zoo_tail_last %ld\n",
		sum, calls_a, n, n, calls_b);
	return 5;
}

/* ---- a switch with a table, many returns, a loop that begins where the function begins */

NI long zoo_switch(long i)
{
	calls_a++;
	switch (i & 7) {
	case 0:
		return sink + 11;
	case 1:
		sink++;
		return i * 3;
	case 2:
		return i ^ 77;
	case 3:
		sink += i;
		return 5;
	case 4:
		return i - sink;
	case 5:
		sink -= 2;
		return sink;
	case 6:
		return zoo_tail_last(i);
	default:
		return i << 2;
	}
}

NI long zoo_scan(const char *s)
{
	while (*s && *s != 'z')
		s++;
	return *s;
}

static int switches(long n)
{
	long i, sum = 0, scans = 0;

	for (i = 0; i < n; i++) {
		sum += zoo_switch(i);
		sum += zoo_scan("a long way to z");
		scans++;
	}
	printf("switch: %ld\ncalls zoo_switch %ld\ncalls zoo_scan %ld\ncalls zoo_tail_last %ld\n",
		sum, calls_a, scans, calls_b);
	return 0;
}

/* ---- deep */

NI long zoo_deep(long n)
{
	long r;

	calls_a++;
	if (n <= 1)
		return 0;
	r = zoo_deep(n - 1);
	__asm__ volatile("" : : "r"(r));
	return r + 1;
}

static int deep(long n)
{
	long r = zoo_deep(n);

	printf("deep: %ld\ncalls zoo_deep %ld\n", r, calls_a);
	return 3;
}

/* ---- frames that are left without a return */

NI void zoo_jump(long i)
{
	calls_a++;
	sink += i;
	longjmp(jump, 1);
}

NI void zoo_before_jump(long i)
{
	zoo_jump(i);
	__asm__ volatile("");
}

NI long zoo_catch(long i)
{
	calls_b++;
	if (!setjmp(jump))
		zoo_before_jump(i);
	sink++;
	return i;
}

static int jumps(long n)
{
	long sum = 0;
	volatile long i;

	for (i = 0; i < n; i++)
		sum += zoo_catch(i);
	printf("jumps: %ld\ncalls zoo_jump %ld\nends zoo_jump 0\ncalls zoo_catch %ld\n", sum,
		calls_a, calls_b);
	return 0;
}

/* ---- stacks that are switched, which is beyond musl */

#ifdef __GLIBC__
static ucontext_t outside, inside[2];
static char stacks[2][65536];
static long rounds;

NI void zoo_step(int k, long i)
{
	calls_a++;
	sink += i;
	swapcontext(&inside[k], &outside);
	sink -= i;
}

static void body(int k)
{
	long i;

	for (i = 0; i < rounds; i++)
		zoo_step(k, i);
}

static int coroutines(long n)
{
	long i;
	int k;

	rounds = n;
	for (k = 0; k < 2; k++) {
		getcontext(&inside[k]);
		inside[k].uc_stack.ss_sp = stacks[k];
		inside[k].uc_stack.ss_size = sizeof(stacks[k]);
		inside[k].uc_link = &outside;
		makecontext(&inside[k], (void (*)(void))body, 1, k);
	}
	for (i = 0; i <= n; i++)
		for (k = 0; k < 2; k++)
			swapcontext(&outside, &inside[k]);
	printf("coroutines: done\ncalls zoo_step %ld\n", calls_a);
	return 0;
}
#else
static int coroutines(long n)
{
	(void)n;
	return 2;
}
#endif

/* ---- threads and processes */

NI long zoo_thread_work(long i)
{
	__asm__ volatile("");
	return i + 1;
}

static void *thread(void *n)
{
	long i, sum = 0;

	for (i = 0; i < (long)n; i++)
		sum += zoo_thread_work(i);
	return (void *)sum;
}

static int threads(long n)
{
	pthread_t t[200];
	long i, sum = 0;
	void *r;

	for (i = 0; i < 200; i++)
		if (pthread_create(&t[i], NULL, thread, (void *)n))
			return 9;
	for (i = 0; i < 200; i++) {
		pthread_join(t[i], &r);
		sum += (long)r;
	}
	printf("threads: %ld\ncalls zoo_thread_work %ld\n", sum, 200 * n);
	return 0;
}

NI int zoo_vfork(void)
{
	int status;
	pid_t p = vfork();

	if (!p)
		_exit(3);
	waitpid(p, &status, 0);
	return WEXITSTATUS(status);
}

NI int zoo_fork(void)
{
	int status;
	pid_t p = fork();

	if (!p) {
		sink = zoo_thread_work(1);
		_exit(4);
	}
	waitpid(p, &status, 0);
	return WEXITSTATUS(status);
}

static int processes(long n)
{
	long i, sum = 0;

	for (i = 0; i < n; i++)
		sum += zoo_vfork() + zoo_fork();
	printf("processes: %ld\ncalls zoo_vfork %ld\ncalls zoo_fork %ld\ncalls zoo_thread_work "
	       "%ld\n",
		sum, n, n, n);
	fflush(stdout);
	return 0;
}

NI void zoo_leave(void)
{
	sink++;
	_exit(7);
}

NI void zoo_exec(const char *self)
{
	sink++;
	execl(self, self, "cold", "5", (char *)NULL);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(long n);
	} modes[] = {{"cold", cold}, {"tail", tail}, {"switch", switches}, {"deep", deep},
		{"jumps", jumps}, {"coroutines", coroutines}, {"threads", threads},
		{"processes", processes}};
	long n = argc > 2 ? strtol(argv[2], NULL, 10) : 10;
	size_t i;

	if (argc < 2)
		return 2;
	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (!strcmp(argv[1], modes[i].name))
			return modes[i].run(n);
	if (!strcmp(argv[1], "leave"))
		zoo_leave();
	if (!strcmp(argv[1], "exec"))
		zoo_exec(argv[0]);
	return 2;
}
