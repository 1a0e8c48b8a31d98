// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper.h"
#include "log.h"

/* The core publishes again every ten minutes: a value outlives two that were lost. */
#define PUBLISH_FOR_SECONDS 1800
/* In the log about it in LOG_EVERY_MS. */
#define LOG_LINES 20
#define LOG_EVERY_MS 600000

const struct helper_limits helper_limits = {
	.tick_ms = 1000,
	.ready_ms = 30000,
	.look_up_ms = 50000,
	.publish_ms = 120000,
	.retry_ms = 1000,
	.retry_max_ms = 300000,
	.bytes = 65536,
	.invalid = 100,
	.timeouts = 10,
};

/**
 * struct look_up - one that was asked
 * @number:	that it has; 0: none is here
 * @is_sent:	the helper was told
 * @key:	looked up
 * @since_ms:	when it was asked
 * @found:	values
 */
struct look_up {
	uint32_t number;
	bool is_sent;
	uint8_t key[32];
	uint64_t since_ms;
	unsigned int found;
};

enum pipe_end {
	END_OUTPUT,
	END_ERROR,
	ENDS,
};

/**
 * struct life - a process of a helper, from its start to its end
 * @helper:	whose; NULL: it is over
 * @number:	for the keeper
 * @input:	what it reads from us
 * @fds:	what we read from it; see enum pipe_end
 * @polls:	of @fds
 * @lines:	of @fds
 * @handles:	that are not closed yet
 * @budget:	bytes that may be read until the next tick
 * @is_paused:	it used that up
 * @invalid:	lines, in this life
 */
struct life {
	struct helper *helper;
	uint32_t number;
	int input;
	int fds[ENDS];
	uv_poll_t polls[ENDS];
	struct line_buffer lines[ENDS];
	unsigned int handles;
	unsigned int budget;
	bool is_paused;
	unsigned int invalid;
};

/**
 * struct helper - see helper.h
 * @helpers:	all
 * @next:	in their list
 * @life:	its process; NULL: none
 * @timer:	ticks
 * @found:	callback
 * @arg:	for it
 * @name:	for messages
 * @command:	words
 * @status:	what there is to see
 * @since_ms:	when @life began, or when it is to begin
 * @retry_ms:	how long to wait after its end
 * @misses:	time-outs in a row
 * @look_ups:	see there
 * @look_up_number: of the last one
 * @has_value:	there is something published, or to be
 * @key:	of that
 * @bytes:	of that
 * @publish_since_ms: it was asked then, and has not said that it is done; 0: it has, or was not asked
 * @logged:	lines about it in the present LOG_EVERY_MS
 * @logged_ms:	when those began
 */
struct helper {
	struct helpers *helpers;
	struct helper *next;
	struct life *life;
	uv_timer_t timer;
	void (*found)(void *arg, const uint8_t bytes[WEFT_RENDEZVOUS_BYTES]);
	void *arg;
	const char *name;
	char command[KEEPER_MAX_COMMAND + 1];
	struct helper_status status;
	uint64_t since_ms;
	unsigned int retry_ms;
	unsigned int misses;
	struct look_up look_ups[HELPER_MAX_LOOK_UPS];
	uint32_t look_up_number;
	bool has_value;
	uint8_t key[32];
	uint8_t bytes[WEFT_RENDEZVOUS_BYTES];
	uint64_t publish_since_ms;
	unsigned int logged;
	uint64_t logged_ms;
};

static uint64_t now_ms(const struct helper *helper)
{
	/* never 0, which says that there is no time */
	return uv_now(helper->helpers->loop) + 1;
}

static void set_trouble(struct helper *helper, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Neither its troubles nor its standard error fill the log. */
static bool may_log(struct helper *helper)
{
	if (!helper->logged_ms || now_ms(helper) - helper->logged_ms >= LOG_EVERY_MS) {
		helper->logged_ms = now_ms(helper);
		helper->logged = 0;
	}
	return helper->logged++ < LOG_LINES;
}

/* In the log once, not with every attempt. */
static void set_trouble(struct helper *helper, const char *format, ...)
{
	char text[sizeof(helper->status.trouble)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (*text && strcmp(text, helper->status.trouble) && may_log(helper))
		log_warning("%s: rendezvous: %s", helper->name, text);
	strcpy(helper->status.trouble, text);
}

/* Lives. */

static void on_end_closed(uv_handle_t *handle)
{
	struct life *life = handle->data;

	if (!--life->handles)
		free(life);
}

static void end_life(struct helper *helper)
{
	struct life *life = helper->life;
	int i;

	if (!life)
		return;
	helper->life = NULL;
	helper->status.pid = 0;
	life->helper = NULL;
	keeper_kill(helper->helpers->keeper, life->number);
	close(life->input);
	for (i = 0; i < ENDS; i++) {
		uv_poll_stop(&life->polls[i]);
		uv_close((uv_handle_t *)&life->polls[i], on_end_closed);
		close(life->fds[i]);
	}
}

/* Start it again, but later. What was asked is asked of the next one, if it still matters then. */
static void wait_for_retry(struct helper *helper)
{
	const struct helper_limits *limits = helper->helpers->limits;
	unsigned int i;

	/* one that went on for long has earned a new beginning */
	if (helper->life && now_ms(helper) - helper->since_ms >= limits->retry_max_ms)
		helper->retry_ms = limits->retry_ms;
	end_life(helper);
	for (i = 0; i < HELPER_MAX_LOOK_UPS; i++)
		helper->look_ups[i].is_sent = false;
	helper->publish_since_ms = 0;
	helper->misses = 0;
	helper->status.state = HELPER_WAITING;
	helper->since_ms = now_ms(helper) + helper->retry_ms;
	helper->retry_ms = helper->retry_ms * 2 < limits->retry_max_ms ? helper->retry_ms * 2 :
									 limits->retry_max_ms;
}

/* Saying. */

/* A line is written whole or not at all, and no line waits for a helper that does not read. */
static bool say(struct helper *helper, const char *text, size_t len)
{
	if (!helper->life)
		return false;
	if (write(helper->life->input, text, len) == (ssize_t)len)
		return true;
	/* one that has closed it will never answer, and need not be waited for each time */
	helper->misses += errno == EPIPE;
	helper->status.dropped++;
	return false;
}

static void say_publish(struct helper *helper)
{
	char text[LINE_MAX_BYTES];
	size_t len;

	if (!helper->has_value || helper->status.state != HELPER_READY)
		return;
	len = line_publish(text, helper->key, PUBLISH_FOR_SECONDS, helper->bytes);
	/* what could not be said is said after the time that it would have had */
	say(helper, text, len);
	helper->publish_since_ms = now_ms(helper);
}

static void say_look_ups(struct helper *helper)
{
	char text[LINE_MAX_BYTES];
	struct look_up *look_up;
	unsigned int i;
	size_t len;

	for (i = 0; i < HELPER_MAX_LOOK_UPS && helper->status.state == HELPER_READY; i++) {
		look_up = &helper->look_ups[i];
		if (!look_up->number || look_up->is_sent)
			continue;
		len = line_look_up(text, look_up->number, look_up->key);
		look_up->is_sent = say(helper, text, len);
	}
}

void helper_publish(struct helper *helper, const uint8_t key[32],
		    const uint8_t bytes[WEFT_RENDEZVOUS_BYTES])
{
	memcpy(helper->key, key, sizeof(helper->key));
	memcpy(helper->bytes, bytes, sizeof(helper->bytes));
	helper->has_value = true;
	say_publish(helper);
}

static struct look_up *find_look_up(struct helper *helper, uint32_t number)
{
	unsigned int i;

	for (i = 0; i < HELPER_MAX_LOOK_UPS; i++) {
		if (helper->look_ups[i].number == number)
			return &helper->look_ups[i];
	}
	return NULL;
}

static bool is_looked_up(const struct helper *helper, const uint8_t key[32])
{
	unsigned int i;

	for (i = 0; i < HELPER_MAX_LOOK_UPS; i++) {
		if (helper->look_ups[i].number && !memcmp(helper->look_ups[i].key, key, 32))
			return true;
	}
	return false;
}

void helper_look_up(struct helper *helper, const uint8_t key[32])
{
	struct look_up *look_up = find_look_up(helper, 0);

	if (is_looked_up(helper, key))
		return;
	if (!look_up) {
		helper->status.dropped++;
		return;
	}
	if (!++helper->look_up_number)
		helper->look_up_number = 1;
	*look_up = (struct look_up){ .number = helper->look_up_number,
				     .since_ms = now_ms(helper) };
	memcpy(look_up->key, key, sizeof(look_up->key));
	helper->status.look_ups++;
	say_look_ups(helper);
}

/* Hearing. */

static void take_found(struct helper *helper, const struct line *line)
{
	struct look_up *look_up = line->number ? find_look_up(helper, line->number) : NULL;

	if (!look_up || !look_up->is_sent) {
		helper->status.invalid++;
		return;
	}
	if (look_up->found >= HELPER_MAX_FOUND) {
		helper->status.dropped++;
		return;
	}
	look_up->found++;
	helper->status.found++;
	helper->found(helper->arg, line->bytes);
}

static void take_done(struct helper *helper, const struct line *line)
{
	struct look_up *look_up = line->number ? find_look_up(helper, line->number) : NULL;

	/* one that came too late, perhaps */
	if (!look_up)
		return;
	memset(look_up, 0, sizeof(*look_up));
	helper->misses = 0;
}

static void take_published(struct helper *helper, const struct line *line)
{
	if (!helper->publish_since_ms || memcmp(line->key, helper->key, sizeof(helper->key)))
		return;
	helper->publish_since_ms = 0;
	helper->status.published_ms = now_ms(helper);
	helper->misses = 0;
}

static void take_ready(struct helper *helper)
{
	if (helper->status.state == HELPER_READY)
		return;
	helper->status.state = HELPER_READY;
	set_trouble(helper, "%s", "");
	say_publish(helper);
	say_look_ups(helper);
}

static void take_invalid(struct helper *helper)
{
	helper->status.invalid++;
	if (++helper->life->invalid <= helper->helpers->limits->invalid)
		return;
	set_trouble(helper, "the helper says what is not in the protocol");
	wait_for_retry(helper);
}

/* False: this life is over. */
static bool take_line(void *arg, const char *text, size_t len)
{
	struct life *life = arg;
	struct helper *helper = life->helper;
	struct line line;

	switch (text ? line_parse(&line, text, len) : LINE_INVALID) {
	case LINE_READY:
		take_ready(helper);
		break;
	case LINE_PUBLISHED:
		take_published(helper, &line);
		break;
	case LINE_FOUND:
		take_found(helper, &line);
		break;
	case LINE_DONE:
		take_done(helper, &line);
		break;
	case LINE_TROUBLE:
		set_trouble(helper, "%s", line.text);
		break;
	case LINE_INVALID:
		take_invalid(helper);
		break;
	}
	return life->helper;
}

/* Its standard error: what a program says that fails before it can say it better. */
static bool take_error(void *arg, const char *text, size_t len)
{
	struct life *life = arg;
	struct helper *helper = life->helper;
	char line[LINE_MAX_TEXT + 1];

	if (!text || !len)
		return true;
	line_clean(line, sizeof(line), text, len);
	if (helper->status.state != HELPER_READY)
		snprintf(helper->status.trouble, sizeof(helper->status.trouble), "%s", line);
	if (may_log(helper))
		log_info("%s: rendezvous: helper: %s", helper->name, line);
	return true;
}

static void pause_life(struct life *life)
{
	int i;

	life->is_paused = true;
	for (i = 0; i < ENDS; i++)
		uv_poll_stop(&life->polls[i]);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct life *life = poll->data;
	enum pipe_end end = poll == &life->polls[END_OUTPUT] ? END_OUTPUT : END_ERROR;
	char bytes[4096];
	ssize_t n;

	(void)status;
	(void)events;
	if (!life->helper)
		return;
	n = read(life->fds[end], bytes, sizeof(bytes));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* nobody writes there any more; that its process has ended, the keeper tells */
	if (n <= 0) {
		uv_poll_stop(poll);
		return;
	}
	life->budget -= (unsigned int)n < life->budget ? (unsigned int)n : life->budget;
	line_feed(&life->lines[end], bytes, n, end == END_OUTPUT ? take_line : take_error, life);
	/* the pipe fills, and whoever floods it has to wait */
	if (life->helper && !life->budget)
		pause_life(life);
}

/* Beginning. */

static void close_pair(int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

static int open_pipes(int pipes[3][2])
{
	int i, error;

	for (i = 0; i < 3; i++) {
		if (pipe2(pipes[i], O_CLOEXEC)) {
			error = -errno;
			while (i--)
				close_pair(pipes[i]);
			return error;
		}
	}
	/* our ends only: the helper is to find its own as everybody else does */
	fcntl(pipes[0][1], F_SETFL, O_NONBLOCK);
	fcntl(pipes[1][0], F_SETFL, O_NONBLOCK);
	fcntl(pipes[2][0], F_SETFL, O_NONBLOCK);
	return 0;
}

static void begin_life(struct helper *helper, int pipes[3][2])
{
	struct life *life = helper->life;
	int i;

	life->helper = helper;
	life->input = pipes[0][1];
	life->fds[END_OUTPUT] = pipes[1][0];
	life->fds[END_ERROR] = pipes[2][0];
	life->budget = helper->helpers->limits->bytes;
	life->handles = ENDS;
	for (i = 0; i < ENDS; i++) {
		uv_poll_init(helper->helpers->loop, &life->polls[i], life->fds[i]);
		life->polls[i].data = life;
		uv_poll_start(&life->polls[i], UV_READABLE, on_readable);
	}
	helper->status.state = HELPER_STARTING;
	helper->status.starts++;
	helper->since_ms = now_ms(helper);
	say(helper, LINE_HELLO "\n", strlen(LINE_HELLO) + 1);
}

static int start(struct helper *helper)
{
	struct life *life = calloc(1, sizeof(*life));
	int pipes[3][2], error;

	if (!life)
		return -ENOMEM;
	error = open_pipes(pipes);
	if (error) {
		free(life);
		return error;
	}
	life->number = ++helper->helpers->number;
	error = keeper_spawn(helper->helpers->keeper, life->number, helper->command,
			     (int[]){ pipes[0][0], pipes[1][1], pipes[2][1] });
	close(pipes[0][0]);
	close(pipes[1][1]);
	close(pipes[2][1]);
	if (error) {
		close(pipes[0][1]);
		close(pipes[1][0]);
		close(pipes[2][0]);
		free(life);
		return error;
	}
	helper->life = life;
	begin_life(helper, pipes);
	return 0;
}

static const char *start_advice(int error)
{
	switch (error) {
	case -ENOENT:
		return "there is no such program";
	case -EACCES:
		return "it is not executable for everybody";
	case -ECHILD:
		return "the process that starts helpers is gone; restart weftd";
	case -EPERM:
		return "weftd was started without the right to become another user (CAP_SETUID, "
		       "CAP_SETGID)";
	default:
		return strerror(-error);
	}
}

static void start_or_wait(struct helper *helper)
{
	int error = start(helper);

	if (!error)
		return;
	set_trouble(helper, "the helper cannot be started: %s", start_advice(error));
	wait_for_retry(helper);
}

/* What the keeper tells. */

static void on_ended(struct helper *helper, int status)
{
	/* what it said itself, at the end, says more */
	if (helper->status.state != HELPER_READY && *helper->status.trouble)
		log_debug("%s: rendezvous: the helper ended", helper->name);
	else if (WIFSIGNALED(status))
		set_trouble(helper, "the helper was killed by signal %d (%s)", WTERMSIG(status),
			    strsignal(WTERMSIG(status)));
	else
		set_trouble(helper, "the helper ended with status %d", WEXITSTATUS(status));
	wait_for_retry(helper);
}

static struct helper *find_helper(struct helpers *helpers, uint32_t number)
{
	struct helper *helper;

	for (helper = helpers->list; helper; helper = helper->next) {
		if (helper->life && helper->life->number == number)
			return helper;
	}
	return NULL;
}

static void all_gone(struct helpers *helpers)
{
	struct helper *helper;

	for (helper = helpers->list; helper; helper = helper->next) {
		set_trouble(helper, "the process that starts helpers is gone; restart weftd");
		wait_for_retry(helper);
	}
}

/* What it wrote before it ended is read first: it says why. */
static void read_rest(struct life *life)
{
	unsigned int i;

	for (i = 0; i < 16 && life->helper; i++)
		on_readable(&life->polls[END_OUTPUT], 0, 0);
	for (i = 0; i < 16 && life->helper; i++)
		on_readable(&life->polls[END_ERROR], 0, 0);
}

static void on_report(void *arg, uint32_t number, enum keeper_event event, int value)
{
	struct helpers *helpers = arg;
	struct helper *helper;

	if (event == KEEPER_GONE) {
		all_gone(helpers);
		return;
	}
	helper = find_helper(helpers, number);
	if (!helper)
		return;
	switch (event) {
	case KEEPER_STARTED:
		helper->status.pid = value;
		break;
	case KEEPER_FAILED:
		set_trouble(helper, "the helper cannot be started: %s", start_advice(value));
		wait_for_retry(helper);
		break;
	default:
		read_rest(helper->life);
		if (helper->life)
			on_ended(helper, value);
	}
}

/* Time. */

static void miss(struct helper *helper)
{
	helper->status.timeouts++;
	helper->misses++;
}

static void expire(struct helper *helper, uint64_t now)
{
	const struct helper_limits *limits = helper->helpers->limits;
	struct look_up *look_up;
	unsigned int i;

	for (i = 0; i < HELPER_MAX_LOOK_UPS; i++) {
		look_up = &helper->look_ups[i];
		if (!look_up->number || now - look_up->since_ms < limits->look_up_ms)
			continue;
		/* else it is the helper that was not there */
		if (look_up->is_sent)
			miss(helper);
		memset(look_up, 0, sizeof(*look_up));
	}
	if (helper->publish_since_ms && now - helper->publish_since_ms >= limits->publish_ms) {
		miss(helper);
		say_publish(helper);
	}
	if (helper->misses < limits->timeouts)
		return;
	set_trouble(helper, "the helper does not answer");
	wait_for_retry(helper);
}

static void resume(struct life *life)
{
	int i;

	life->budget = life->helper->helpers->limits->bytes;
	if (!life->is_paused)
		return;
	life->is_paused = false;
	for (i = 0; i < ENDS; i++)
		uv_poll_start(&life->polls[i], UV_READABLE, on_readable);
}

static void on_tick(uv_timer_t *timer)
{
	struct helper *helper = timer->data;
	uint64_t now = now_ms(helper);

	if (helper->life)
		resume(helper->life);
	switch (helper->status.state) {
	case HELPER_STARTING:
		if (now - helper->since_ms < helper->helpers->limits->ready_ms)
			break;
		set_trouble(helper, "the helper does not say that it is ready");
		wait_for_retry(helper);
		break;
	case HELPER_READY:
		say_look_ups(helper);
		break;
	case HELPER_WAITING:
		if (now >= helper->since_ms)
			start_or_wait(helper);
		break;
	}
	expire(helper, now);
}

void helpers_start(struct helpers *helpers, uv_loop_t *loop, struct keeper *keeper,
		   const struct helper_limits *limits)
{
	*helpers = (struct helpers){ .loop = loop, .keeper = keeper, .limits = limits };
	keeper_start(keeper, loop, on_report, helpers);
}

struct helper *helper_new(struct helpers *helpers, const char *name, const char *command,
			  void (*found)(void *arg, const uint8_t bytes[WEFT_RENDEZVOUS_BYTES]),
			  void *arg)
{
	struct helper *helper = calloc(1, sizeof(*helper));

	if (!helper)
		return NULL;
	helper->helpers = helpers;
	helper->found = found;
	helper->arg = arg;
	helper->name = name;
	snprintf(helper->command, sizeof(helper->command), "%s", command);
	helper->retry_ms = helpers->limits->retry_ms;
	helper->next = helpers->list;
	helpers->list = helper;
	uv_timer_init(helpers->loop, &helper->timer);
	helper->timer.data = helper;
	uv_timer_start(&helper->timer, on_tick, helpers->limits->tick_ms,
		       helpers->limits->tick_ms);
	start_or_wait(helper);
	return helper;
}

static void on_timer_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void helper_free(struct helper *helper)
{
	struct helper **at = &helper->helpers->list;

	while (*at != helper)
		at = &(*at)->next;
	*at = helper->next;
	end_life(helper);
	uv_timer_stop(&helper->timer);
	uv_close((uv_handle_t *)&helper->timer, on_timer_closed);
}

unsigned int helper_outstanding(const struct helper *helper)
{
	unsigned int i, n = 0;

	for (i = 0; i < HELPER_MAX_LOOK_UPS; i++)
		n += helper->look_ups[i].number != 0;
	return n;
}

bool helper_published(const struct helper *helper, uint64_t *ago_ms)
{
	*ago_ms = now_ms(helper) - helper->status.published_ms;
	return helper->status.published_ms;
}

const struct helper_status *helper_status(const struct helper *helper)
{
	return &helper->status;
}
