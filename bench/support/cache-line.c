/*
 * How far it is from one processor to the other: two processes write the same cache line in turn.
 *
 * cache-line
 *
 * Prints nanoseconds from the one's write to when the other has seen it, of the first two processors it may run on; NaN
 * where there is one.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define TURNS 500000
/* Seconds: whoever waits longer waits for nobody. */
#define PATIENCE 20

static void stay_on(int processor)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(processor, &set);
	if (sched_setaffinity(0, sizeof(set), &set)) {
		perror("sched_setaffinity");
		exit(1);
	}
}

/* Waits for a number, and answers with the one after it. */
static void pass(atomic_uint *line, unsigned int number)
{
	while (atomic_load_explicit(line, memory_order_acquire) != number)
		;
	atomic_store_explicit(line, number + 1, memory_order_release);
}

int main(void)
{
	atomic_uint *line = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int processors[2], count = 0;
	struct timespec from, to;
	cpu_set_t allowed;

	if (line == MAP_FAILED || sched_getaffinity(0, sizeof(allowed), &allowed)) {
		perror("cache-line");
		return 1;
	}
	for (int i = 0; i < CPU_SETSIZE && count < 2; i++) {
		if (CPU_ISSET(i, &allowed))
			processors[count++] = i;
	}
	if (count < 2) {
		puts("NaN");
		return 0;
	}
	alarm(PATIENCE);
	if (fork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		alarm(PATIENCE);
		stay_on(processors[1]);
		for (unsigned int turn = 0; turn < TURNS; turn++)
			pass(line, 2 * turn + 1);
		return 0;
	}
	stay_on(processors[0]);
	pass(line, 0);
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (unsigned int turn = 1; turn < TURNS; turn++)
		pass(line, 2 * turn);
	clock_gettime(CLOCK_MONOTONIC, &to);
	printf("%.1f\n", ((to.tv_sec - from.tv_sec) * 1e9 + (to.tv_nsec - from.tv_nsec)) / (2.0 * (TURNS - 1)));
	return 0;
}
