// SPDX-License-Identifier: GPL-2.0
/*
 * mesh_clock RATE UNIX-SECONDS FILE...: from now on the clocks of programs that look there go so much
 * faster, and their date is wrong by so much. What they are ahead by then stays.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "mesh_clock.h"

static int64_t monotonic_ns(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec * 1000000000LL + at.tv_nsec;
}

static void change(struct mesh_clock *clock, int64_t rate, int64_t unix_s)
{
	const struct mesh_clock_pace *old = &clock->paces[clock->current];
	int64_t now_ns = monotonic_ns();

	clock->paces[!clock->current] = (struct mesh_clock_pace){
		.since_ns = now_ns,
		/* a new file is all zeros, which is no rate that a clock has */
		.ahead_ns = old->rate ? mesh_clock_ahead(old, now_ns) : 0,
		.rate = rate,
		.unix_s = unix_s,
	};
	__atomic_store_n(&clock->current, !clock->current, __ATOMIC_RELEASE);
}

static int change_file(const char *path, int64_t rate, int64_t unix_s)
{
	struct mesh_clock *clock;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0 || ftruncate(fd, sizeof(*clock)))
		return -errno;
	clock = mmap(NULL, sizeof(*clock), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (clock == MAP_FAILED)
		return -errno;
	change(clock, rate, unix_s);
	munmap(clock, sizeof(*clock));
	return 0;
}

int main(int argc, char **argv)
{
	int64_t rate = argc > 3 ? atoll(argv[1]) : 0;
	int i, error;

	if (rate < 1) {
		fprintf(stderr, "usage: %s RATE UNIX-SECONDS FILE...\n", argv[0]);
		return 2;
	}
	for (i = 3; i < argc; i++) {
		error = change_file(argv[i], rate, atoll(argv[2]));
		if (error) {
			fprintf(stderr, "%s: %s\n", argv[i], strerror(-error));
			return 1;
		}
	}
	return 0;
}
