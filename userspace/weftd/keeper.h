/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keeper: a process that starts helpers. It is born before weftd gives up its privileges, becomes
 * somebody without any at once, and so are all its children: weftd itself, with CAP_NET_ADMIN alone,
 * could not make them another user. It knows no protocol, and nothing of any network.
 */
#ifndef WEFTD_KEEPER_H
#define WEFTD_KEEPER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#define KEEPER_MAX_COMMAND 500
#define KEEPER_MAX_WORDS 32
#define KEEPER_MAX_CHILDREN 64

enum keeper_event {
	/* @value: process id */
	KEEPER_STARTED = 1,
	/* it could not be; @value: negated errno */
	KEEPER_FAILED,
	/* @value: as waitpid() has it */
	KEEPER_ENDED,
	/* the keeper itself is gone, and all children with it */
	KEEPER_GONE,
};

/**
 * struct keeper - weftd's end
 * @fd:		to the process; -1: there is none
 * @error:	then why; negated errno
 * @pid:	of the process
 * @poll:	of @fd
 * @is_started:	@poll is there
 * @report:	called with what happened to a child
 * @arg:	for it
 */
struct keeper {
	int fd;
	int error;
	pid_t pid;
	uv_poll_t poll;
	bool is_started;
	void (*report)(void *arg, uint32_t number, enum keeper_event event, int value);
	void *arg;
};

/* Before any thread, any secret, and the loop. @user: that it is to be; NULL: who we are, without
 * privileges. 0 or a negated errno, and then @keeper says so to whoever asks it for anything. */
int keeper_fork(struct keeper *keeper, const char *user);
void keeper_start(struct keeper *keeper, uv_loop_t *loop,
		  void (*report)(void *arg, uint32_t number, enum keeper_event event, int value),
		  void *arg);
/* @command: words; @fds: the child's standard input, output and error. */
int keeper_spawn(struct keeper *keeper, uint32_t number, const char *command, const int fds[3]);
/* It, and what it started. */
void keeper_kill(struct keeper *keeper, uint32_t number);
/* All children end. */
void keeper_stop(struct keeper *keeper);

#endif /* WEFTD_KEEPER_H */
