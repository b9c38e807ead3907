/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Functions that are chosen when the program starts: ifunc N; with "wait" it waits for the end of its input, too. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NI __attribute__((noinline, noclone, used))

static volatile long sink;
static long calls_fast, calls_slow, calls_wide, calls_choose;

NI static long zoo_fast(long i)
{
	calls_fast++;
	sink += i;
	return i + 1;
}

NI static long zoo_slow(long i)
{
	calls_slow++;
	sink -= i;
	return i + 1;
}

NI static long zoo_wide(long i)
{
	calls_wide++;
	sink ^= i;
	return i + 2;
}

/* Run by the dynamic linker, or in a static program before anything else is. */
NI static long (*zoo_choose(void))(long)
{
	calls_choose++;
	return sink ? zoo_slow : zoo_fast;
}

NI static long (*zoo_choose_wide(void))(long)
{
	return zoo_wide;
}

/* Called by its name, and through a pointer. */
long zoo_chosen(long i) __attribute__((ifunc("zoo_choose")));
long zoo_pointed(long i) __attribute__((ifunc("zoo_choose_wide")));

static long (*volatile through)(long) = zoo_pointed;

int main(int argc, char **argv)
{
	long n = argc > 1 ? strtol(argv[1], NULL, 10) : 10, i, sum = 0;

	if (argc > 2 && !strcmp(argv[2], "wait")) {
		puts("waits");
		fflush(stdout);
		while (getchar() != EOF)
			;
	}
	for (i = 0; i < n; i++)
		sum += zoo_chosen(i) + through(i);
	printf("ifunc: %ld\ncalls zoo_fast %ld\ncalls zoo_slow %ld\ncalls zoo_wide %ld\ncalls "
	       "zoo_choose %ld\n",
		sum, calls_fast, calls_slow, calls_wide, calls_choose);
	return 8;
}
