// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "config.h"
#include "parse.h"
#include "weft_tool.h"

enum section {
	SECTION_NONE,
	SECTION_INTERFACE,
	SECTION_PEER,
};

/**
 * struct reader - a file being read
 * @dev: what it said so far
 * @section: of the current line
 * @path: for messages
 * @line: number of the current line
 * @peer_line: line at which the current peer began
 * @peer_has_key: its PublicKey was seen
 */
struct reader {
	struct weft_device *dev;
	enum section section;
	const char *path;
	unsigned int line;
	unsigned int peer_line;
	bool peer_has_key;
};

static int read_private_key(struct weft_device *dev, const char *value, struct problem *problem)
{
	dev->has |= WEFT_DEVICE_HAS_PRIVATE_KEY;
	return parse_secret_key(value, &dev->private_key, problem);
}

static int read_listen_port(struct weft_device *dev, const char *value, struct problem *problem)
{
	dev->has |= WEFT_DEVICE_HAS_LISTEN_PORT;
	return parse_port(value, &dev->listen_port, problem);
}

static int read_fwmark(struct weft_device *dev, const char *value, struct problem *problem)
{
	dev->has |= WEFT_DEVICE_HAS_FWMARK;
	return parse_fwmark(value, &dev->fwmark, problem);
}

static int read_upcalls(struct weft_device *dev, const char *value, struct problem *problem)
{
	dev->has |= WEFT_DEVICE_HAS_UPCALLS;
	return parse_upcalls(value, &dev->upcalls, problem);
}

static int read_public_key(struct weft_device *dev, const char *value, struct problem *problem)
{
	return parse_public_key(value, &dev->last_peer->public_key, problem);
}

static int read_preshared_key(struct weft_device *dev, const char *value,
			      struct problem *problem)
{
	dev->last_peer->has |= WEFT_PEER_HAS_PRESHARED_KEY;
	return parse_secret_key(value, &dev->last_peer->preshared_key, problem);
}

static int read_allowed_ips(struct weft_device *dev, const char *value, struct problem *problem)
{
	/* No address has these characters; a file says what is, not what changes. */
	if (strpbrk(value, "+-"))
		return problem_set(problem, -EINVAL, "bad list \"%s\": a configuration file has "
				   "allowed IPs without + or -", value);
	return parse_allowed_ips(value, dev->last_peer, problem);
}

static int read_endpoint(struct weft_device *dev, const char *value, struct problem *problem)
{
	dev->last_peer->has |= WEFT_PEER_HAS_ENDPOINT;
	return parse_endpoint(value, &dev->last_peer->endpoint, problem);
}

static int read_keepalive(struct weft_device *dev, const char *value, struct problem *problem)
{
	dev->last_peer->has |= WEFT_PEER_HAS_PERSISTENT_KEEPALIVE;
	return parse_keepalive(value, &dev->last_peer->persistent_keepalive, problem);
}

static int read_suite(struct weft_device *dev, const char *value, struct problem *problem)
{
	dev->last_peer->has |= WEFT_PEER_HAS_SUITE;
	return parse_suite(value, &dev->last_peer->suite, problem);
}

static const struct field {
	enum section section;
	const char *name;
	int (*read)(struct weft_device *dev, const char *value, struct problem *problem);
} fields[] = {
	{ SECTION_INTERFACE, "PrivateKey", read_private_key },
	{ SECTION_INTERFACE, "ListenPort", read_listen_port },
	{ SECTION_INTERFACE, "FwMark", read_fwmark },
	{ SECTION_INTERFACE, "Upcalls", read_upcalls },
	{ SECTION_PEER, "PublicKey", read_public_key },
	{ SECTION_PEER, "PresharedKey", read_preshared_key },
	{ SECTION_PEER, "AllowedIPs", read_allowed_ips },
	{ SECTION_PEER, "Endpoint", read_endpoint },
	{ SECTION_PEER, "PersistentKeepalive", read_keepalive },
	{ SECTION_PEER, "Suite", read_suite },
};

static const struct field *find_field(enum section section, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); ++i) {
		if (fields[i].section == section && !strcasecmp(fields[i].name, name))
			return &fields[i];
	}
	return NULL;
}

/* Cut the comment off and take all white space out: neither means anything. */
static void squeeze(char *text)
{
	char *to = text;

	for (; *text && *text != '#'; ++text) {
		if (!isspace((unsigned char)*text))
			*to++ = *text;
	}
	*to = '\0';
}

static int end_peer(const struct reader *reader)
{
	if (reader->section != SECTION_PEER || reader->peer_has_key)
		return 0;
	complain("%s:%u: this [Peer] has no PublicKey", reader->path, reader->peer_line);
	return -EINVAL;
}

static int begin_peer(struct reader *reader)
{
	static const struct weft_key no_key;
	struct weft_peer *peer = weft_device_add_peer(reader->dev, &no_key);

	if (!peer)
		return -ENOMEM;
	peer->flags = WEFT_PEER_F_REPLACE_ALLOWED_IPS;
	reader->section = SECTION_PEER;
	reader->peer_line = reader->line;
	reader->peer_has_key = false;
	return 0;
}

static int read_section(struct reader *reader, const char *text)
{
	int err = end_peer(reader);

	if (err)
		return err;
	if (!strcasecmp(text, "[Interface]")) {
		reader->section = SECTION_INTERFACE;
		return 0;
	}
	if (!strcasecmp(text, "[Peer]"))
		return begin_peer(reader);
	complain("%s:%u: unknown section \"%s\": expected [Interface] or [Peer]", reader->path,
		 reader->line, text);
	return -EINVAL;
}

static int unknown_field(const struct reader *reader, const char *name)
{
	static const char *const expected[] = {
		[SECTION_NONE] = "[Interface] or [Peer] before it",
		[SECTION_INTERFACE] = "PrivateKey, ListenPort, FwMark or Upcalls in [Interface]",
		/* clang takes a string in two parts for a forgotten comma */
		[SECTION_PEER] = ("PublicKey, PresharedKey, AllowedIPs, Endpoint, "
				  "PersistentKeepalive or Suite in [Peer]"),
	};

	complain("%s:%u: unknown key word \"%s\": expected %s", reader->path, reader->line, name,
		 expected[reader->section]);
	return -EINVAL;
}

static int read_field(struct reader *reader, char *text)
{
	char *value = strchr(text, '=');
	const struct field *field;
	struct problem problem;
	int err;

	/* The line is not repeated: it may hold a key that lost its name. */
	if (!value) {
		complain("%s:%u: expected NAME = VALUE", reader->path, reader->line);
		return -EINVAL;
	}
	*value++ = '\0';
	field = find_field(reader->section, text);
	if (!field)
		return unknown_field(reader, text);
	if (!*value && field->read != read_allowed_ips) {
		complain("%s:%u: %s needs a value", reader->path, reader->line, field->name);
		return -EINVAL;
	}
	err = field->read(reader->dev, value, &problem);
	if (err)
		complain("%s:%u: %s: %s", reader->path, reader->line, field->name, problem.text);
	else if (field->read == read_public_key)
		reader->peer_has_key = true;
	return err;
}

static int read_lines(struct reader *reader, FILE *file)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	int err = 0;

	while (!err && (errno = 0, len = getline(&line, &size, file)) >= 0) {
		++reader->line;
		if (memchr(line, '\0', (size_t)len)) {
			complain("%s:%u: this is not a text file", reader->path, reader->line);
			err = -EINVAL;
			break;
		}
		squeeze(line);
		if (*line == '[')
			err = read_section(reader, line);
		else if (*line)
			err = read_field(reader, line);
		/* It may have held a key. */
		explicit_bzero(line, size);
	}
	if (!err && !feof(file)) {
		err = errno ? -errno : -EIO;
		complain("%s: %s", reader->path, strerror(-err));
	}
	free(line);
	return err ? err : end_peer(reader);
}

int config_read(FILE *file, const char *path, const char *ifname, enum config_mode mode,
		struct weft_device **out)
{
	__free_device struct weft_device *dev = weft_device_new(ifname);
	struct reader reader = { .dev = dev, .path = path };
	int err;

	*out = NULL;
	if (!dev)
		return -ENOMEM;
	if (mode == CONFIG_REPLACE) {
		dev->flags = WEFT_DEVICE_F_REPLACE_PEERS;
		dev->has = WEFT_DEVICE_HAS_PRIVATE_KEY | WEFT_DEVICE_HAS_LISTEN_PORT |
			   WEFT_DEVICE_HAS_FWMARK | WEFT_DEVICE_HAS_UPCALLS;
	}
	err = read_lines(&reader, file);
	if (err)
		return err;
	*out = dev;
	dev = NULL;
	return 0;
}

int config_load(const char *path, const char *ifname, enum config_mode mode,
		struct weft_device **dev)
{
	__close_file FILE *file = fopen(path, "re");
	int err;

	*dev = NULL;
	if (!file) {
		err = -errno;
		complain("%s: %s", path, strerror(-err));
		return err;
	}
	return config_read(file, path, ifname, mode, dev);
}
