// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <netlink/netlink.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "daemon.h"
#include "kernel.h"
#include "log.h"
#include "names.h"
#include "network.h"
#include "notify.h"

#define SETTLE_MS 200
/* Less than that is jitter of two clocks that are read one after the other. */
#define SLEEP_MS 500
/* A roster that grows comes in many small steps. */
#define NAMES_MS 100
#define AT_ONCE 256

static uint64_t clock_ms(clockid_t id)
{
	struct timespec at;

	clock_gettime(id, &at);
	return at.tv_sec * 1000ULL + at.tv_nsec / 1000000;
}

struct weft_time daemon_now(void)
{
	return (struct weft_time){
		.ms = clock_ms(CLOCK_BOOTTIME),
		.unix_s = clock_ms(CLOCK_REALTIME) / 1000,
	};
}

/* The world around. */

static void look_around(struct daemon *daemon, bool resumed)
{
	struct weft_time now = daemon_now();
	struct link_world world;
	struct network *network, *next;
	bool changed;
	int error = link_look_around(daemon->rt, &world);

	if (error) {
		log_warning("cannot read this machine's addresses: %s", strerror(-error));
		return;
	}
	changed = memcmp(&world, &daemon->world, sizeof(world));
	if (!changed && !resumed)
		return;
	daemon->world = world;
	beacon_listen_on(&daemon->beacons, &world);
	for (network = daemon->networks; network; network = next) {
		next = network->next;
		if (!network->node)
			continue;
		network_tell_endpoints(network);
		weft_node_resumed(network->node, &now);
		network_pump(network);
	}
}

static void on_settled(uv_timer_t *timer)
{
	look_around(timer->data, false);
}

/* Changes come in crowds: an interface, its addresses, their end of being tentative. */
static void on_watch(uv_poll_t *poll, int status, int events)
{
	struct daemon *daemon = poll->data;

	(void)status;
	(void)events;
	if (link_watched(daemon->watch))
		uv_timer_start(&daemon->settle, on_settled, SETTLE_MS, 0);
}

static void arm_clock(struct daemon *daemon)
{
	/* never; but it ends at once when the clock is set, and that is done after sleep, too */
	struct itimerspec never = { .it_value.tv_sec = INT32_MAX };

	timerfd_settime(daemon->clock, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL);
}

static void notice_sleep(struct daemon *daemon)
{
	uint64_t asleep = clock_ms(CLOCK_BOOTTIME) - clock_ms(CLOCK_MONOTONIC);
	bool slept = asleep > daemon->asleep_ms + SLEEP_MS;

	daemon->asleep_ms = asleep;
	if (slept)
		look_around(daemon, true);
}

static void on_clock(uv_poll_t *poll, int status, int events)
{
	struct daemon *daemon = poll->data;
	struct weft_time now = daemon_now();
	struct network *network, *next;
	uint64_t expirations;

	(void)status;
	(void)events;
	if (read(daemon->clock, &expirations, sizeof(expirations)) < 0 && errno == EAGAIN)
		return;
	arm_clock(daemon);
	notice_sleep(daemon);
	/* who has expired, and who has not yet, goes by it */
	for (network = daemon->networks; network; network = next) {
		next = network->next;
		if (!network->node)
			continue;
		weft_node_tick(network->node, &now);
		network_pump(network);
	}
}

/* Events of the kernel module. */

static struct network *find_ifindex(struct daemon *daemon, uint32_t ifindex)
{
	struct network *network;

	for (network = daemon->networks; network; network = network->next) {
		if (network->node && network->ifindex == ifindex)
			return network;
	}
	return NULL;
}

static void tell_event(struct network *network, const struct weft_event *event)
{
	struct weft_time now = daemon_now();
	struct weft_tunnel_key key;
	struct weft_candidate at, *where = NULL;

	kernel_tunnel_key(&key, &event->peer.public_key);
	if (event->peer.has & WEFT_PEER_HAS_ENDPOINT &&
	    kernel_candidate(&at, &event->peer.endpoint))
		where = &at;
	switch (event->type) {
	case WEFT_EVENT_SESSION_NEW:
		weft_node_session_new(network->node, &now, &key, where);
		break;
	case WEFT_EVENT_SESSION_EXPIRED:
		weft_node_session_expired(network->node, &now, &key);
		break;
	case WEFT_EVENT_PATH_CHANGED:
		if (where)
			weft_node_path_changed(network->node, &now, &key, where);
		break;
	case WEFT_EVENT_UNKNOWN_PEER:
		if (where)
			weft_node_unknown_peer(network->node, &now, &key, where);
		break;
	case WEFT_EVENT_UNKNOWN_DESTINATION:
		weft_node_unknown_destination(network->node, &now, event->destination.addr,
					      event->destination.family == AF_INET ? 4 : 16);
		break;
	}
	network_pump(network);
}

static void read_all_anew(struct daemon *daemon)
{
	struct network *network, *next;

	for (network = daemon->networks; network; network = next) {
		next = network->next;
		network_read_kernel(network);
		network_pump(network);
	}
}

static void on_event(uv_poll_t *poll, int status, int events)
{
	struct daemon *daemon = poll->data;
	struct network *network;
	struct weft_event event;
	unsigned int i;
	int got;

	(void)status;
	(void)events;
	for (i = 0; i < AT_ONCE; i++) {
		got = weft_event_read(daemon->weft, &event);
		if (got == -WEFT_E_LOST)
			read_all_anew(daemon);
		if (got != 1)
			break;
		network = find_ifindex(daemon, event.ifindex);
		if (network)
			tell_event(network, &event);
		weft_peer_clear(&event.peer);
	}
}

int daemon_open_weft(struct daemon *daemon)
{
	int fd, error;

	if (daemon->weft)
		return 0;
	error = weft_open(&daemon->weft);
	if (error)
		return error;
	fd = weft_events_open(daemon->weft);
	if (fd < 0) {
		weft_close(daemon->weft);
		daemon->weft = NULL;
		return fd;
	}
	uv_poll_init(daemon->loop, &daemon->events_poll, fd);
	daemon->events_poll.data = daemon;
	uv_poll_start(&daemon->events_poll, UV_READABLE, on_event);
	return 0;
}

/* Beacons: nobody knows before which network's they are. */
static void on_beacon(uv_poll_t *poll, int status, int events)
{
	struct daemon *daemon = poll->data;
	int fd = poll == &daemon->beacon_poll[0] ? daemon->beacons.ipv4 : daemon->beacons.ipv6;
	uint8_t bytes[WEFT_BEACON_BYTES];
	struct weft_time now = daemon_now();
	struct network *network, *next;
	struct weft_candidate from;
	unsigned int i;

	(void)status;
	(void)events;
	for (i = 0; i < AT_ONCE && beacon_receive(fd, &from, bytes) > 0; i++) {
		for (network = daemon->networks; network; network = network->next) {
			if (network->node && network->config.beacons)
				weft_node_beacon(network->node, &now, &from, bytes,
						 sizeof(bytes));
		}
	}
	for (network = daemon->networks; network; network = next) {
		next = network->next;
		if (network->node)
			network_pump(network);
	}
}

static void on_names(uv_timer_t *timer)
{
	names_publish(timer->data);
}

/* Before the loop sleeps: whatever it was that changed the names. */
static void on_prepare(uv_prepare_t *prepare)
{
	struct daemon *daemon = prepare->data;

	if (daemon->names_stale && !uv_is_active((uv_handle_t *)&daemon->names_timer))
		uv_timer_start(&daemon->names_timer, on_names, NAMES_MS, 0);
}

static void on_care(uv_timer_t *timer)
{
	struct daemon *daemon = timer->data;
	uint64_t now = clock_ms(CLOCK_BOOTTIME);
	struct network *network, *next;
	bool traffic = now - daemon->traffic_ms >= DAEMON_TRAFFIC_MS;

	if (traffic)
		daemon->traffic_ms = now;
	notice_sleep(daemon);
	for (network = daemon->networks; network; network = next) {
		next = network->next;
		network_care(network, traffic);
	}
	notify("WATCHDOG=1");
}

/* Start and end. */

/* With @user it is to be that one's; what is in it is, if it was begun so. */
static int open_dir(const char *path, mode_t mode, const char *user)
{
	const struct passwd *owner = user ? getpwnam(user) : NULL;
	bool is_new = !mkdir(path, mode);
	int fd;

	if (!is_new && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && is_new && owner && fchown(fd, owner->pw_uid, owner->pw_gid)) {
		close(fd);
		return -EPERM;
	}
	return fd < 0 ? -errno : fd;
}

/* While we may: the first part of daemon_start(). */
int daemon_prepare(struct daemon *daemon, const char *state_path, const char *run_path,
		   const char *user)
{
	daemon->state = open_dir(state_path, 0700, user);
	if (daemon->state < 0) {
		log_error("cannot open %s: %s", state_path, strerror(-daemon->state));
		return daemon->state;
	}
	daemon->run = open_dir(run_path, 0755, user);
	if (daemon->run < 0) {
		log_error("cannot open %s: %s", run_path, strerror(-daemon->run));
		return daemon->run;
	}
	/* two daemons would take each other's peers away */
	if (flock(daemon->state, LOCK_EX | LOCK_NB)) {
		log_error("another weftd uses %s", state_path);
		return -EBUSY;
	}
	return 0;
}

static void watch(struct daemon *daemon, uv_poll_t *poll, int fd, uv_poll_cb callback)
{
	uv_poll_init(daemon->loop, poll, fd);
	poll->data = daemon;
	uv_poll_start(poll, UV_READABLE, callback);
}

static int open_world(struct daemon *daemon)
{
	int error = link_open(&daemon->rt);

	if (!error)
		error = link_watch(&daemon->watch);
	if (error) {
		log_error("cannot reach rtnetlink: %s", strerror(-error));
		return error;
	}
	watch(daemon, &daemon->watch_poll, nl_socket_get_fd(daemon->watch), on_watch);
	error = beacon_open(&daemon->beacons);
	if (error)
		log_warning("no beacons on local networks: %s", strerror(-error));
	if (daemon->beacons.ipv4 >= 0)
		watch(daemon, &daemon->beacon_poll[0], daemon->beacons.ipv4, on_beacon);
	if (daemon->beacons.ipv6 >= 0)
		watch(daemon, &daemon->beacon_poll[1], daemon->beacons.ipv6, on_beacon);
	daemon->clock = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (daemon->clock < 0)
		return -errno;
	arm_clock(daemon);
	watch(daemon, &daemon->clock_poll, daemon->clock, on_clock);
	return 0;
}

int daemon_start(struct daemon *daemon)
{
	uint64_t care_ms = DAEMON_CARE_MS, watchdog_ms = notify_watchdog_ms();
	int error = open_world(daemon);

	if (error)
		return error;
	uv_timer_init(daemon->loop, &daemon->settle);
	daemon->settle.data = daemon;
	daemon->asleep_ms = clock_ms(CLOCK_BOOTTIME) - clock_ms(CLOCK_MONOTONIC);
	helpers_start(&daemon->helpers, daemon->loop, &daemon->keeper, &helper_limits);
	look_around(daemon, false);
	network_load_all(daemon);
	names_publish(daemon);
	uv_timer_init(daemon->loop, &daemon->names_timer);
	daemon->names_timer.data = daemon;
	uv_prepare_init(daemon->loop, &daemon->prepare);
	daemon->prepare.data = daemon;
	uv_prepare_start(&daemon->prepare, on_prepare);
	if (watchdog_ms && watchdog_ms / 2 < care_ms)
		care_ms = watchdog_ms / 2;
	uv_timer_init(daemon->loop, &daemon->care);
	daemon->care.data = daemon;
	uv_timer_start(&daemon->care, on_care, care_ms, care_ms);
	return 0;
}

/* The kernel goes on with what it has, for the daemon that comes after us. */
void daemon_stop(struct daemon *daemon)
{
	while (daemon->networks)
		network_close(daemon->networks);
	keeper_stop(&daemon->keeper);
	uv_close((uv_handle_t *)&daemon->settle, NULL);
	uv_close((uv_handle_t *)&daemon->care, NULL);
	uv_close((uv_handle_t *)&daemon->names_timer, NULL);
	uv_close((uv_handle_t *)&daemon->prepare, NULL);
	uv_close((uv_handle_t *)&daemon->watch_poll, NULL);
	uv_close((uv_handle_t *)&daemon->clock_poll, NULL);
	if (daemon->beacons.ipv4 >= 0)
		uv_close((uv_handle_t *)&daemon->beacon_poll[0], NULL);
	if (daemon->beacons.ipv6 >= 0)
		uv_close((uv_handle_t *)&daemon->beacon_poll[1], NULL);
	if (daemon->weft)
		uv_close((uv_handle_t *)&daemon->events_poll, NULL);
	/* the descriptors are closed when their handles are */
	uv_run(daemon->loop, UV_RUN_NOWAIT);
	beacon_close(&daemon->beacons);
	link_close(daemon->watch);
	link_close(daemon->rt);
	weft_close(daemon->weft);
	close(daemon->clock);
	close(daemon->run);
	close(daemon->state);
	free(daemon->names);
}
