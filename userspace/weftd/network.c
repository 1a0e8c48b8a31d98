// SPDX-License-Identifier: GPL-2.0-or-later
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/reason.h"
#include "core/state.h"
#include "events.h"
#include "helper.h"
#include "kernel.h"
#include "log.h"
#include "network.h"
#include "store.h"

#define FILE_CONFIG "config.json"
#define FILE_SECRETS "secrets"
#define FILE_ROSTER "roster"
#define FILE_ENDPOINTS "endpoints"
#define FILE_TOKEN "token"

#define FIRST_PORT 51820
#define PORTS 100
#define INTERFACES 1000
/* A local network's beacons or a member's datagrams in one go; then others have their turn. */
#define AT_ONCE 64

struct network *network_find(struct daemon *daemon, const char *name)
{
	struct network *network;

	for (network = daemon->networks; network; network = network->next) {
		if (!strcmp(network->config.name, name))
			return network;
	}
	return NULL;
}

static bool is_dir_of(const struct network *network, const struct weft_id *id)
{
	char dir_name[33];

	sodium_bin2hex(dir_name, sizeof(dir_name), id->bytes, 16);
	return !strcmp(network->dir_name, dir_name);
}

/* Also one whose secrets are damaged, so that only its directory tells which it is. */
static struct network *find_id(struct daemon *daemon, const struct weft_id *id)
{
	struct network *network;

	for (network = daemon->networks; network; network = network->next) {
		if (is_dir_of(network, id))
			return network;
	}
	return NULL;
}

static void set_trouble(struct network *network, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void set_trouble(struct network *network, const char *format, ...)
{
	char text[sizeof(network->trouble)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	/* once, not with every attempt */
	if (strcmp(text, network->trouble))
		log_error("%s: %s", network->config.name, text);
	memcpy(network->trouble, text, sizeof(text));
}

/* State. */

int network_write(struct network *network, const char *name, const void *bytes, size_t len)
{
	return store_write(network->dir, name, bytes, len, 0600);
}

int network_save_config(struct network *network)
{
	char *text = config_encode(&network->config);
	int error;

	if (!text)
		return -ENOMEM;
	error = network_write(network, FILE_CONFIG, text, strlen(text));
	free(text);
	return error;
}

static int save_secrets(struct network *network)
{
	uint8_t bytes[WEFT_SECRETS_BYTES];
	size_t len;
	int error = weft_secrets_encode(bytes, sizeof(bytes), &len,
					weft_node_secrets(network->node));

	if (!error)
		error = network_write(network, FILE_SECRETS, bytes, len);
	sodium_memzero(bytes, sizeof(bytes));
	network->is_kept |= !error;
	return error;
}

static int save_roster(struct network *network)
{
	uint8_t *bytes;
	size_t len;
	int error = weft_roster_encode(weft_node_roster(network->node), &bytes, &len);

	if (error)
		return error;
	error = network_write(network, FILE_ROSTER, bytes, len);
	free(bytes);
	return error;
}

static int save_endpoints(struct network *network)
{
	uint8_t *bytes;
	size_t len;
	int error = weft_node_endpoints(network->node, &bytes, &len);

	if (error)
		return error;
	error = network_write(network, FILE_ENDPOINTS, bytes, len);
	free(bytes);
	return error;
}

/*
 * What cannot be saved is tried again until it can, and meanwhile the network goes on: stopping it
 * would not make room on the disk. What a crash in that time costs is told by others again; but for
 * secrets that are new, see network_make().
 */
static void save(struct network *network, unsigned int what)
{
	static const struct {
		unsigned int what;
		int (*save)(struct network *network);
		const char *name;
	} files[] = {
		{ WEFT_PERSIST_SECRETS, save_secrets, FILE_SECRETS },
		{ WEFT_PERSIST_ROSTER, save_roster, FILE_ROSTER },
		{ WEFT_PERSIST_ENDPOINTS, save_endpoints, FILE_ENDPOINTS },
	};
	size_t i;
	int error;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (!(what & files[i].what))
			continue;
		error = files[i].save(network);
		if (!error) {
			if (network->dirty & files[i].what)
				log_info("%s: %s is saved now", network->config.name,
					 files[i].name);
			network->dirty &= ~files[i].what;
			continue;
		}
		if (!(network->dirty & files[i].what))
			log_error("%s: cannot save %s: %s; trying again", network->config.name,
				  files[i].name, strerror(-error));
		network->dirty |= files[i].what;
		network->save_error = error;
	}
	if (!network->dirty)
		network->save_error = 0;
}

/* -ENOENT: there is none, or it was damaged and is set aside. */
static int load_file(struct network *network, const char *name, uint8_t **bytes, size_t *len)
{
	int error = store_read(network->dir, name, bytes, len);

	if (error && error != -ENOENT)
		log_error("%s: cannot read %s: %s", network->config.name, name, strerror(-error));
	return error;
}

static void set_aside(struct network *network, const char *name, int reason)
{
	char aside[256];
	int error = store_set_aside(network->dir, name, aside);

	if (error)
		log_error("%s: the file %s %s, and cannot be renamed: %s", network->config.name, name,
			  weft_reason(reason), strerror(-error));
	else
		log_warning("%s: the file %s %s; it is set aside as %s/%s", network->config.name,
			    name, weft_reason(reason), network->dir_name, aside);
}

/* They tell which network it is: when it is brought up, a person may just have brought them back. */
static int load_secrets(struct network *network, struct weft_secrets *secrets)
{
	uint8_t *bytes;
	size_t len;
	int error = load_file(network, FILE_SECRETS, &bytes, &len);

	if (error)
		return error;
	error = weft_secrets_decode(secrets, bytes, len);
	sodium_memzero(bytes, len);
	free(bytes);
	if (error) {
		set_aside(network, FILE_SECRETS, error);
		return error;
	}
	if (!is_dir_of(network, &secrets->network)) {
		weft_secrets_wipe(secrets);
		return -EXDEV;
	}
	network->id = secrets->network;
	network->is_kept = true;
	return 0;
}

/* As much of it as can be read: the rest comes from other members. */
static int load_roster(struct network *network, struct weft_roster **roster)
{
	uint8_t *bytes;
	size_t len, taken;
	int error = weft_roster_new(roster, &network->id);

	if (error)
		return error;
	error = load_file(network, FILE_ROSTER, &bytes, &len);
	if (error)
		return error == -ENOENT ? 0 : error;
	error = weft_roster_decode(*roster, bytes, len, &taken);
	free(bytes);
	if (error == -ENOMEM)
		return error;
	if (error) {
		set_aside(network, FILE_ROSTER, error);
		log_warning("%s: %zu records of it are whole, and taken", network->config.name,
			    taken);
		network->dirty |= WEFT_PERSIST_ROSTER;
	}
	return 0;
}

static void forget_token(struct network *network)
{
	if (!network->token)
		return;
	unlinkat(network->dir, FILE_TOKEN, 0);
	sodium_memzero(network->token, strlen(network->token));
	free(network->token);
	network->token = NULL;
}

/* The device. */

static void close_handle(uv_handle_t *handle)
{
	struct network *network = handle->data;

	if (!--network->handles && network->is_gone)
		free(network);
}

static void on_wake(uv_timer_t *timer)
{
	struct network *network = timer->data;
	struct weft_time now = daemon_now();

	if (!network->node)
		return;
	weft_node_tick(network->node, &now);
	network_pump(network);
}

static void on_gossip(uv_poll_t *poll, int status, int events)
{
	struct network *network = poll->data;
	uint8_t from[16], bytes[WEFT_MAX_DATAGRAM];
	struct weft_time now = daemon_now();
	unsigned int i;
	ssize_t n;

	(void)status;
	(void)events;
	for (i = 0; i < AT_ONCE && network->node; i++) {
		n = gossip_receive(network->gossip, from, bytes);
		if (n <= 0)
			break;
		weft_node_datagram(network->node, &now, from, bytes, n);
	}
	network_pump(network);
}

static int open_gossip(struct network *network)
{
	int fd;

	if (network->gossip >= 0)
		return 0;
	fd = gossip_open(network->config.interface);
	if (fd < 0)
		return fd;
	network->gossip = fd;
	uv_poll_init(network->daemon->loop, &network->gossip_poll, fd);
	network->gossip_poll.data = network;
	network->handles++;
	uv_poll_start(&network->gossip_poll, UV_READABLE, on_gossip);
	return 0;
}

static void close_gossip(struct network *network)
{
	if (network->gossip < 0)
		return;
	uv_poll_stop(&network->gossip_poll);
	uv_close((uv_handle_t *)&network->gossip_poll, close_handle);
	close(network->gossip);
	network->gossip = -1;
}

static bool port_is_taken(const struct network *network, uint16_t port)
{
	const struct network *other;

	for (other = network->daemon->networks; other; other = other->next) {
		if (other != network && other->config.port == port)
			return true;
	}
	return false;
}

/* The device binds its port when it goes up; what is taken shows then. */
static int up_on_port(struct network *network, uint16_t port)
{
	struct daemon *daemon = network->daemon;
	int error = kernel_set_port(daemon->weft, network->config.interface, port);

	if (!error)
		error = link_set_up(daemon->rt, network->config.interface, 0);
	if (error)
		return error;
	if (network->config.port != port) {
		network->config.port = port;
		network_save_config(network);
	}
	return 0;
}

static int up_on_any_port(struct network *network)
{
	int error = -EADDRINUSE;
	unsigned int port;

	if (network->config.port) {
		error = up_on_port(network, network->config.port);
		if (!error || network->config.port_is_fixed)
			return error;
	}
	for (port = FIRST_PORT; error && port < FIRST_PORT + PORTS; port++) {
		if (!port_is_taken(network, port))
			error = up_on_port(network, port);
	}
	return error;
}

static bool is_up_already(struct network *network)
{
	struct weft_device *dev;
	bool is_up;

	if (weft_device_get(network->daemon->weft, network->config.interface, &dev))
		return false;
	is_up = dev->listen_port && dev->listen_port == network->config.port;
	weft_device_free(dev);
	return is_up && !link_set_up(network->daemon->rt, network->config.interface, 0);
}

static void device_trouble(struct network *network, const char *what, int error)
{
	set_trouble(network, "interface %s: %s: %s", network->config.interface, what,
		    weft_strerror(error));
}

static void set_device(struct network *network, const struct weft_out_device *device)
{
	struct daemon *daemon = network->daemon;
	const char *ifname = network->config.interface;
	int error = kernel_set_key(daemon->weft, ifname, &device->private_key);

	if (error) {
		device_trouble(network, "cannot set the key", error);
		return;
	}
	error = is_up_already(network) ? 0 : up_on_any_port(network);
	if (error) {
		device_trouble(network, "cannot go up", error);
		return;
	}
	error = link_set_addresses(daemon->rt, network->ifindex, device->addresses, device->count);
	if (error)
		device_trouble(network, "cannot set the addresses", error);
	error = open_gossip(network);
	if (error)
		device_trouble(network, "cannot open the members' port", error);
}

static void set_peer(struct network *network, const struct weft_out_peer *peer)
{
	int error = kernel_set_peer(network->daemon->weft, network->config.interface, peer,
				    daemon_now().unix_s);

	if (error)
		device_trouble(network, "cannot set a peer", error);
}

static void remove_peer(struct network *network, const struct weft_tunnel_key *key)
{
	int error = kernel_remove_peer(network->daemon->weft, network->config.interface, key);

	if (error)
		device_trouble(network, "cannot remove a peer", error);
}

static void set_routes(struct network *network, const struct weft_out_routes *routes)
{
	int error = link_set_routes(network->daemon->rt, network->ifindex, routes->at,
				    routes->count);

	/* one that somebody else has is no reason not to use the others */
	if (error)
		log_warning("%s: cannot set all routes: %s", network->config.name,
			    strerror(-error));
}

/* What the node decides. */

/*
 * While it joined, nobody knew what it is called, and who lost the file of decisions has forgotten; the
 * records tell.
 */
static void take_name(struct network *network)
{
	const struct weft_record *settings = weft_roster_settings(weft_node_roster(network->node));
	char name[WEFT_MAX_NAME + 1];
	struct weft_fields fields;
	unsigned int n = 1;

	if (network->config.is_named || !settings)
		return;
	weft_record_fields(settings, &fields);
	strcpy(name, fields.name);
	/* a dozen networks of one name is more than anybody has */
	while (network_find(network->daemon, name) && n < 100)
		snprintf(name, sizeof(name), "%.40s-%u", fields.name, ++n);
	strcpy(network->config.name, name);
	network->config.is_named = true;
	network_save_config(network);
}

static void on_notice(struct network *network, const struct weft_notice *notice)
{
	switch (notice->type) {
	case WEFT_NOTICE_JOINED:
		take_name(network);
		save(network, WEFT_PERSIST_SECRETS | WEFT_PERSIST_ROSTER);
		forget_token(network);
		network_tell_endpoints(network);
		break;
	case WEFT_NOTICE_MEMBER:
	case WEFT_NOTICE_MEMBER_GONE:
	case WEFT_NOTICE_LOST:
	case WEFT_NOTICE_INCLUDED:
	case WEFT_NOTICE_EXCLUDED:
		network->daemon->names_stale = true;
		break;
	default:
		break;
	}
	network->is_refused |= events_notice(network, notice);
	if (notice->type == WEFT_NOTICE_REFUSED && notice->final && !network->is_refused)
		set_trouble(network, "not let in: the invitation %s; join with a new token",
			    weft_reason(notice->error));
}

static void carry_out(struct network *network, const struct weft_output *output)
{
	int error;

	switch (output->type) {
	case WEFT_OUT_PERSIST:
		save(network, output->persist);
		if (output->persist & WEFT_PERSIST_ROSTER)
			network->daemon->names_stale = true;
		break;
	case WEFT_OUT_DEVICE:
		set_device(network, &output->device);
		network->daemon->names_stale = true;
		break;
	case WEFT_OUT_PEER:
		set_peer(network, &output->peer);
		break;
	case WEFT_OUT_PEER_REMOVE:
		remove_peer(network, &output->peer_remove);
		break;
	case WEFT_OUT_ROUTES:
		set_routes(network, &output->routes);
		break;
	case WEFT_OUT_DATAGRAM:
		error = network->gossip < 0 ? -ENOTCONN :
					      gossip_send(network->gossip, &output->datagram);
		if (error)
			log_debug("%s: a datagram was not sent: %s", network->config.name,
				  strerror(-error));
		break;
	case WEFT_OUT_BEACON:
		beacon_send(&network->daemon->beacons, &output->beacon);
		break;
	case WEFT_OUT_PUBLISH:
		if (network->helper)
			helper_publish(network->helper, output->rendezvous.key,
				       output->rendezvous.bytes);
		break;
	case WEFT_OUT_LOOKUP:
		if (network->helper)
			helper_look_up(network->helper, output->rendezvous.key);
		break;
	case WEFT_OUT_NOTICE:
		on_notice(network, &output->notice);
		break;
	}
}

static void set_wake(struct network *network)
{
	uint64_t wake = weft_node_wake(network->node), now = daemon_now().ms;

	uv_timer_stop(&network->wake);
	if (wake != UINT64_MAX)
		uv_timer_start(&network->wake, on_wake, wake > now ? wake - now : 0, 0);
}

void network_pump(struct network *network)
{
	const struct weft_output *output;
	bool has_left = false;
	struct weft_time now;

	while (network->node) {
		now = daemon_now();
		output = weft_node_output(network->node, &now);
		if (!output)
			break;
		has_left |= output->type == WEFT_OUT_NOTICE &&
			    output->notice.type == WEFT_NOTICE_LEFT;
		carry_out(network, output);
	}
	if (network->is_gone)
		return;
	if (has_left || network->is_refused)
		network_delete(network);
	else if (network->node)
		set_wake(network);
}

/* What the kernel has already, from a daemon before us. */
void network_read_kernel(struct network *network)
{
	struct weft_time now = daemon_now();
	struct weft_tunnel_key key;
	struct weft_candidate at;
	struct weft_device *dev;
	struct weft_peer *peer;

	if (!network->node ||
	    weft_device_get(network->daemon->weft, network->config.interface, &dev))
		return;
	weft_for_each_peer(dev, peer) {
		kernel_tunnel_key(&key, &peer->public_key);
		weft_node_kernel_peer(network->node, &now, &key);
		if (kernel_has_session(peer, now.unix_s))
			weft_node_session_new(network->node, &now, &key,
					      kernel_candidate(&at, &peer->endpoint) ? &at : NULL);
		weft_node_traffic(network->node, &now, &key, peer->rx_bytes, peer->tx_bytes);
	}
	weft_device_free(dev);
}

static void tell_traffic(struct network *network)
{
	struct weft_time now = daemon_now();
	struct weft_tunnel_key key;
	struct weft_device *dev;
	struct weft_peer *peer;

	if (weft_device_get(network->daemon->weft, network->config.interface, &dev))
		return;
	weft_for_each_peer(dev, peer) {
		kernel_tunnel_key(&key, &peer->public_key);
		weft_node_traffic(network->node, &now, &key, peer->rx_bytes, peer->tx_bytes);
	}
	weft_device_free(dev);
}

void network_care(struct network *network, bool traffic)
{
	if (!network->node)
		return;
	if (network->dirty)
		save(network, network->dirty);
	if (!traffic)
		return;
	tell_traffic(network);
	network_pump(network);
}

/* Whether an address is in one of this machine's overlays, however it got onto another interface. */
static bool in_an_overlay(const struct daemon *daemon, const struct weft_prefix *at)
{
	const struct network *network;
	struct weft_prefix prefix;

	for (network = daemon->networks; network; network = network->next) {
		weft_network_prefix(&prefix, &network->id);
		if (at->size == 16 && !memcmp(at->address, prefix.address, prefix.length / 8))
			return true;
	}
	return false;
}

void network_tell_endpoints(struct network *network)
{
	struct weft_local_endpoint all[LINK_MAX_ADDRESSES + CONFIG_MAX_ENDPOINTS] = { 0 };
	const struct link_world *world = &network->daemon->world;
	struct weft_time now = daemon_now();
	unsigned int i, n = 0;

	if (!network->node || !network->config.port)
		return;
	for (i = 0; i < network->config.endpoint_count; i++) {
		all[n].at = network->config.endpoints[i];
		all[n++].kind = WEFT_LOCAL_STATIC;
	}
	for (i = 0; i < world->address_count; i++) {
		if (!world->addresses[i].is_global ||
		    in_an_overlay(network->daemon, &world->addresses[i].at))
			continue;
		all[n].at.size = world->addresses[i].at.size;
		memcpy(all[n].at.address, world->addresses[i].at.address, all[n].at.size);
		all[n].at.port = network->config.port;
		all[n++].kind = WEFT_LOCAL_INTERFACE;
	}
	weft_node_local_endpoints(network->node, &now, all, n);
}

/* Up and down. */

static void node_config(struct network *network, struct weft_node_config *config)
{
	memset(config, 0, sizeof(*config));
	randombytes_buf(config->seed, sizeof(config->seed));
	config->beacons = network->config.beacons;
	config->rendezvous = *network->config.rendezvous;
}

static void on_found(void *arg, const uint8_t bytes[WEFT_RENDEZVOUS_BYTES])
{
	struct network *network = arg;
	struct weft_time now = daemon_now();

	if (!network->node)
		return;
	weft_node_rendezvous_hit(network->node, &now, bytes, WEFT_RENDEZVOUS_BYTES);
	network_pump(network);
}

static void stop_helper(struct network *network)
{
	if (network->helper)
		helper_free(network->helper);
	network->helper = NULL;
}

static void start_helper(struct network *network)
{
	if (network->helper || !*network->config.rendezvous)
		return;
	network->helper = helper_new(&network->daemon->helpers, network->config.name,
				     network->config.rendezvous, on_found, network);
	if (!network->helper)
		log_error("%s: no memory for a rendezvous helper", network->config.name);
}

void network_set_helper(struct network *network)
{
	stop_helper(network);
	if (!network->node)
		return;
	start_helper(network);
	weft_node_set_rendezvous(network->node, network->helper);
	network_pump(network);
}

/* Whoever of the others has chosen it, whether up or not. */
static struct network *find_interface(const struct network *network, const char *name)
{
	struct network *other;

	for (other = network->daemon->networks; other; other = other->next) {
		if (other != network && !strcmp(other->config.interface, name))
			return other;
	}
	return NULL;
}

/* With what is there already, if that is no other network's: a daemon before us left it. */
static int take_interface(struct network *network)
{
	if (find_interface(network, network->config.interface))
		return -EEXIST;
	return link_make(network->daemon->rt, network->config.interface, &network->made_device,
			 &network->ifindex);
}

static int choose_interface(struct network *network)
{
	unsigned int n;
	int error = 0;

	network->made_device = false;
	if (*network->config.interface)
		return take_interface(network);
	for (n = 0; n < INTERFACES && !error; n++) {
		snprintf(network->config.interface, IFNAMSIZ, "weft%u", n);
		error = take_interface(network);
		/* somebody else's, weft or not */
		if (error == -EEXIST)
			error = 0;
		else if (network->made_device)
			return 0;
	}
	*network->config.interface = 0;
	return error ? error : -EEXIST;
}

static const char *device_advice(int error)
{
	switch (error) {
	case -EOPNOTSUPP:
		return "the kernel module weft is not there; install it, see modprobe weft";
	case -EPERM:
		return "weftd may not make interfaces; it needs CAP_NET_ADMIN";
	case -EEXIST:
		return "another network, or something else, has an interface of that name; choose "
		       "one with --interface";
	default:
		return strerror(-error);
	}
}

static int make_device(struct network *network)
{
	int error = choose_interface(network);

	if (error) {
		set_trouble(network, "cannot make an interface: %s", device_advice(error));
		return error;
	}
	error = daemon_open_weft(network->daemon);
	if (error)
		set_trouble(network, "%s", weft_strerror(error));
	return error;
}

/* The node is there: what it wants is done, and what is around it is told. */
static void begin(struct network *network)
{
	*network->trouble = 0;
	start_helper(network);
	kernel_set_upcalls(network->daemon->weft, network->config.interface);
	network_read_kernel(network);
	network_pump(network);
	network_tell_endpoints(network);
	if (network->config.routes.count && network->node) {
		struct weft_time now = daemon_now();

		weft_node_set_routes(network->node, &now, &network->config.routes);
	}
	network_pump(network);
	network->daemon->names_stale = true;
}

static void announce(struct network *network)
{
	struct weft_time now = daemon_now();

	weft_node_announce(network->node, &now);
	network_pump(network);
}

static int restore(struct network *network, const struct weft_secrets *secrets)
{
	struct weft_node_config config;
	struct weft_time now = daemon_now();
	struct weft_roster *roster = NULL;
	uint8_t *endpoints = NULL;
	size_t len = 0;
	int error;

	node_config(network, &config);
	if (network->token) {
		error = weft_node_join(&network->node, &config, network->token,
				       *network->config.member ? network->config.member : NULL,
				       secrets, &now);
	} else {
		error = load_roster(network, &roster);
		if (error) {
			weft_roster_free(roster);
			return error;
		}
		load_file(network, FILE_ENDPOINTS, &endpoints, &len);
		error = weft_node_restore(&network->node, &config, secrets, roster, endpoints, len,
					  &now);
		free(endpoints);
	}
	sodium_memzero(&config, sizeof(config));
	return error;
}

/* Who lost the file of decisions has forgotten its interface too, and may have left it running. */
static void recall_interface(struct network *network, const struct weft_secrets *secrets)
{
	struct weft_device *list, *dev;
	struct weft_tunnel tunnel;
	struct weft_key key;

	if (*network->config.interface || daemon_open_weft(network->daemon) ||
	    weft_device_list(network->daemon->weft, &list))
		return;
	weft_tunnel_from_seed(&tunnel, secrets->tunnel);
	kernel_key(&key, &tunnel.public_key);
	for (dev = list; dev; dev = dev->next) {
		if (!weft_key_equal(&dev->public_key, &key))
			continue;
		strcpy(network->config.interface, dev->ifname);
		network->config.port = dev->listen_port;
		break;
	}
	weft_tunnel_wipe(&tunnel);
	weft_device_free(list);
}

int network_up(struct network *network)
{
	struct weft_secrets secrets;
	int error;

	if (network->node)
		return 0;
	error = load_secrets(network, &secrets);
	if (error) {
		set_trouble(network, "its secrets cannot be read (%s); bring back the file %s/%s, "
			    "or leave the network and join again", weft_reason(error),
			    network->dir_name, FILE_SECRETS);
		return error;
	}
	recall_interface(network, &secrets);
	error = make_device(network);
	if (!error) {
		error = restore(network, &secrets);
		if (error)
			set_trouble(network, "%s %s", network->token ? "the token" : "its state",
				    weft_reason(error));
	}
	weft_secrets_wipe(&secrets);
	if (error)
		return error;
	take_name(network);
	begin(network);
	return 0;
}

static void stop_node(struct network *network)
{
	uv_timer_stop(&network->wake);
	stop_helper(network);
	close_gossip(network);
	if (network->node && network->dirty)
		save(network, network->dirty);
	if (network->node && !network->token)
		save_endpoints(network);
	weft_node_free(network->node);
	network->node = NULL;
	network->daemon->names_stale = true;
}

void network_down(struct network *network)
{
	const struct network *other = find_interface(network, network->config.interface);
	int error;

	stop_node(network);
	*network->trouble = 0;
	/* it never was ours */
	if (other && other->ifindex)
		return;
	error = link_delete(network->daemon->rt, network->config.interface);
	if (error)
		set_trouble(network, "cannot delete interface %s: %s", network->config.interface,
			    strerror(-error));
}

static void unlink_from_list(struct network *network)
{
	struct network **at = &network->daemon->networks;

	while (*at && *at != network)
		at = &(*at)->next;
	if (*at)
		*at = network->next;
}

static void free_network(struct network *network)
{
	if (network->token) {
		sodium_memzero(network->token, strlen(network->token));
		free(network->token);
		network->token = NULL;
	}
	if (network->dir >= 0)
		close(network->dir);
	network->dir = -1;
	network->is_gone = true;
	uv_close((uv_handle_t *)&network->wake, close_handle);
}

void network_close(struct network *network)
{
	stop_node(network);
	events_network_gone(network);
	unlink_from_list(network);
	free_network(network);
}

/* Of stock members that were made here. */
static void delete_keys(struct network *network)
{
	int fd = openat(network->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(dir))) {
		if (!strncmp(entry->d_name, "key-", 4))
			unlinkat(network->dir, entry->d_name, 0);
	}
	closedir(dir);
}

static void delete_files(struct network *network)
{
	static const char *const names[] = { FILE_SECRETS, FILE_TOKEN, FILE_ROSTER, FILE_ENDPOINTS,
					     FILE_CONFIG };
	size_t i;

	if (network->dir < 0)
		return;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlinkat(network->dir, names[i], 0);
	delete_keys(network);
	/* what a person, or damage, left there stays */
	unlinkat(network->daemon->state, network->dir_name, AT_REMOVEDIR);
}

static void delete(struct network *network, bool with_device)
{
	/* not to be saved again */
	network->dirty = 0;
	weft_node_free(network->node);
	network->node = NULL;
	if (with_device)
		network_down(network);
	delete_files(network);
	network_close(network);
}

void network_delete(struct network *network)
{
	delete(network, true);
}

/* Beginnings. */

static struct network *new_network(struct daemon *daemon)
{
	struct network *network = calloc(1, sizeof(*network)), **at = &daemon->networks;

	if (!network)
		return NULL;
	network->daemon = daemon;
	network->dir = -1;
	network->gossip = -1;
	uv_timer_init(daemon->loop, &network->wake);
	network->wake.data = network;
	network->handles = 1;
	while (*at)
		at = &(*at)->next;
	*at = network;
	return network;
}

/* Directories are named by the key: a network's name is of this machine, and may change. */
static void name_dir(struct network *network)
{
	sodium_bin2hex(network->dir_name, sizeof(network->dir_name), network->id.bytes, 16);
}

static int open_dir(struct network *network, bool make)
{
	int state = network->daemon->state;

	if (make && mkdirat(state, network->dir_name, 0700) && errno != EEXIST)
		return -errno;
	network->dir = openat(state, network->dir_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC |
			      O_NOFOLLOW);
	if (network->dir < 0)
		return -errno;
	return make && fsync(state) ? -errno : 0;
}

static int keep_token(struct network *network, const char *token)
{
	network->token = strdup(token);
	if (!network->token)
		return -ENOMEM;
	return network_write(network, FILE_TOKEN, token, strlen(token));
}

/* The key stays, so that an attempt that was nearly through uses up no second place. */
int network_rejoin(struct network *network, const char *token)
{
	int error;

	forget_token(network);
	error = keep_token(network, token);
	if (error)
		return error;
	stop_node(network);
	return network_up(network);
}

static int found(struct network *network, const struct network_wish *wish)
{
	struct weft_founding founding = {
		.network = wish->config.name, .member = wish->config.member,
		.has_ipv4 = wish->ipv4.size, .ipv4 = wish->ipv4,
	};
	struct weft_time now = daemon_now();
	struct weft_node_config config;
	int error;

	node_config(network, &config);
	error = weft_node_found(&network->node, &config, &founding, &now);
	sodium_memzero(&config, sizeof(config));
	if (error) {
		set_trouble(network, "the network %s", weft_reason(error));
		return error;
	}
	network->id = weft_node_secrets(network->node)->network;
	name_dir(network);
	error = open_dir(network, true);
	if (error)
		set_trouble(network, "cannot make its directory: %s", strerror(-error));
	return error;
}

static int join(struct network *network, const struct network_wish *wish)
{
	struct weft_node_config config;
	struct weft_time now = daemon_now();
	int error = open_dir(network, true);

	if (!error)
		error = keep_token(network, wish->token);
	if (error) {
		set_trouble(network, "cannot save the token: %s", strerror(-error));
		return error;
	}
	node_config(network, &config);
	error = weft_node_join(&network->node, &config, wish->token,
			       *wish->config.member ? wish->config.member : NULL,
			       NULL, &now);
	sodium_memzero(&config, sizeof(config));
	if (error)
		set_trouble(network, "the token %s", weft_reason(error));
	return error;
}

static int give_up(struct network *network, int error, char trouble[256])
{
	snprintf(trouble, 256, "%s", *network->trouble ? network->trouble : strerror(-error));
	/* one that was there before goes on to be whose it was */
	delete(network, network->made_device);
	return error;
}

static int token_network(struct weft_id *id, const char *text, char trouble[256])
{
	struct weft_token token;
	int error = weft_token_decode(&token, text);

	if (error) {
		snprintf(trouble, 256, "the token %s", weft_reason(error));
		return error;
	}
	*id = token.network;
	weft_token_wipe(&token);
	return 0;
}

int network_make(struct daemon *daemon, const struct network_wish *wish, struct network **out,
		 char trouble[256])
{
	struct network *network;
	struct weft_id id = { 0 };
	int error = wish->is_new ? 0 : token_network(&id, wish->token, trouble);

	*out = NULL;
	if (error)
		return error;
	*out = wish->is_new ? NULL : find_id(daemon, &id);
	if (!*out && *wish->config.name)
		*out = network_find(daemon, wish->config.name);
	if (*out)
		return -EEXIST;
	network = new_network(daemon);
	if (!network)
		return -ENOMEM;
	network->config = wish->config;
	network->config.is_up = true;
	network->config.created = daemon_now().unix_s;
	network->config.is_named = *wish->config.name;
	network->id = id;
	name_dir(network);
	if (!network->config.is_named)
		snprintf(network->config.name, sizeof(network->config.name), "new-%.8s",
			 network->dir_name);
	error = make_device(network);
	if (!error)
		error = wish->is_new ? found(network, wish) : join(network, wish);
	if (!error)
		error = network_save_config(network);
	/* what the others are to trust later must not be lost with the power now */
	if (!error)
		error = save_secrets(network);
	if (error)
		return give_up(network, error, trouble);
	begin(network);
	/* the first token is made in a moment, and is to say where we are */
	if (wish->is_new)
		announce(network);
	*out = network;
	return 0;
}

static int load_config(struct network *network)
{
	uint8_t *text;
	size_t len;
	int error = store_read(network->dir, FILE_CONFIG, &text, &len);

	if (error)
		return error;
	error = config_decode(&network->config, (char *)text, len);
	free(text);
	if (error)
		set_aside(network, FILE_CONFIG, error);
	return error;
}

static void load_token(struct network *network)
{
	uint8_t *text;
	size_t len;

	if (store_read(network->dir, FILE_TOKEN, &text, &len))
		return;
	network->token = (char *)text;
	if (strlen(network->token) == len)
		return;
	set_aside(network, FILE_TOKEN, -EBADMSG);
	free(network->token);
	network->token = NULL;
}

/* A network that was begun, but not far enough to be anything. */
static bool is_stump(struct network *network)
{
	return faccessat(network->dir, FILE_SECRETS, F_OK, 0) &&
	       faccessat(network->dir, FILE_ROSTER, F_OK, 0);
}

static void load_id(struct network *network)
{
	struct weft_secrets secrets;

	if (!load_secrets(network, &secrets))
		weft_secrets_wipe(&secrets);
}

static void load(struct daemon *daemon, const char *dir_name)
{
	struct network *network = new_network(daemon);
	int error;

	if (!network) {
		log_error("%s: no memory", dir_name);
		return;
	}
	snprintf(network->dir_name, sizeof(network->dir_name), "%.32s", dir_name);
	snprintf(network->config.name, sizeof(network->config.name), "net-%.16s", dir_name);
	error = open_dir(network, false);
	if (error) {
		log_error("%s: not loaded: %s", dir_name, strerror(-error));
		network_close(network);
		return;
	}
	error = load_config(network);
	/* a person's decisions are gone, but the membership is not: go on as by default */
	if (error) {
		network->config.is_up = true;
		network->config.beacons = true;
	}
	if (is_stump(network)) {
		delete_files(network);
		network_close(network);
		return;
	}
	load_id(network);
	load_token(network);
}

/* By age, so that a name that two networks have goes on to be the same one's. */
static void sort_networks(struct daemon *daemon)
{
	struct network *sorted = NULL, *network, **at;

	while (daemon->networks) {
		network = daemon->networks;
		daemon->networks = network->next;
		for (at = &sorted; *at && (*at)->config.created <= network->config.created;
		     at = &(*at)->next)
			;
		network->next = *at;
		*at = network;
	}
	daemon->networks = sorted;
}

static bool is_dir_name(const char *name)
{
	return strlen(name) == 32 && strspn(name, "0123456789abcdef") == 32;
}

static void load_dirs(struct daemon *daemon)
{
	int fd = openat(daemon->state, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir) {
		log_error("cannot read the state directory: %s", strerror(errno));
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(dir))) {
		if (is_dir_name(entry->d_name))
			load(daemon, entry->d_name);
	}
	closedir(dir);
}

void network_load_all(struct daemon *daemon)
{
	struct network *network;

	load_dirs(daemon);
	sort_networks(daemon);
	for (network = daemon->networks; network; network = network->next) {
		if (network->config.is_up)
			network_up(network);
	}
}
