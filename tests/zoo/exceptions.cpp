// SPDX-License-Identifier: MIT OR Apache-2.0
// Exceptions through every function: exceptions N
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

static volatile long sink;
static long throws_asked, middles, catches, destroyed;

struct Guard {
	~Guard() { destroyed++; }
};

extern "C" {
__attribute__((noinline, noclone)) long zoo_throw(long i)
{
	throws_asked++;
	if (i % 3 == 1)
		throw std::runtime_error("one");
	return i;
}

__attribute__((noinline, noclone)) long zoo_middle(long i)
{
	Guard guard;

	middles++;
	long r = zoo_throw(i);
	sink = sink + r;
	return r;
}

__attribute__((noinline, noclone)) long zoo_catch(long i)
{
	catches++;
	try {
		return zoo_middle(i);
	} catch (const std::exception &e) {
		return -1;
	}
}
}

int main(int argc, char **argv)
{
	long n = argc > 1 ? strtol(argv[1], nullptr, 10) : 10, sum = 0, thrown = 0;

	for (long i = 0; i < n; i++) {
		long r = zoo_catch(i);

		thrown += r == -1;
		sum += r;
	}
	printf("exceptions: %ld, %ld destroyed\n", sum, destroyed);
	printf("calls zoo_throw %ld\nends zoo_throw %ld\ncalls zoo_middle %ld\nends zoo_middle %ld\ncalls zoo_catch %ld\n",
		throws_asked, throws_asked - thrown, middles, middles - thrown, catches);
	return 6;
}
