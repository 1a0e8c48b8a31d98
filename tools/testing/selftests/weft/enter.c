// SPDX-License-Identifier: GPL-2.0
/*
 * Run a command in a network namespace:
 *
 *	enter FILE COMMAND...
 *
 * As nsenter --net=FILE does, which is a dynamic program: where starting one
 * takes a tenth of a second, and each step of a test is started by this, that
 * is a third of the tests' time. This one is static.
 */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int fd;

	if (argc < 3)
		errx(125, "usage: enter FILE COMMAND...");
	fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		err(125, "%s", argv[1]);
	if (setns(fd, CLONE_NEWNET))
		err(125, "%s: setns", argv[1]);
	execvp(argv[2], argv + 2);
	err(errno == ENOENT ? 127 : 126, "%s", argv[2]);
}
