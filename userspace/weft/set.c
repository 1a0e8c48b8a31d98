// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "parse.h"
#include "weft_tool.h"

/**
 * struct word - a key word of "weft set"
 * @name: as typed
 * @of_peer: says something about the peer named last, not the device
 * @takes_value: a value follows
 * @apply: puts it into the device or its last peer
 */
struct word {
	const char *name;
	bool of_peer;
	bool takes_value;
	int (*apply)(struct weft_device *dev, const char *value, struct problem *problem);
};

static int set_listen_port(struct weft_device *dev, const char *value, struct problem *problem)
{
	dev->has |= WEFT_DEVICE_HAS_LISTEN_PORT;
	return parse_port(value, &dev->listen_port, problem);
}

static int set_fwmark(struct weft_device *dev, const char *value, struct problem *problem)
{
	dev->has |= WEFT_DEVICE_HAS_FWMARK;
	return parse_fwmark(value, &dev->fwmark, problem);
}

static int set_private_key(struct weft_device *dev, const char *value, struct problem *problem)
{
	dev->has |= WEFT_DEVICE_HAS_PRIVATE_KEY;
	return read_key_file(value, &dev->private_key, problem);
}

static int set_upcalls(struct weft_device *dev, const char *value, struct problem *problem)
{
	dev->has |= WEFT_DEVICE_HAS_UPCALLS;
	return parse_upcalls(value, &dev->upcalls, problem);
}

static int begin_peer(struct weft_device *dev, const char *value, struct problem *problem)
{
	struct weft_key key;
	int err = parse_public_key(value, &key, problem);

	if (!err && !weft_device_add_peer(dev, &key))
		err = problem_set(problem, -ENOMEM, "no memory");
	return err;
}

static int set_remove(struct weft_device *dev, const char *value, struct problem *problem)
{
	(void)value;
	(void)problem;
	dev->last_peer->flags |= WEFT_PEER_F_REMOVE_ME;
	return 0;
}

static int set_preshared_key(struct weft_device *dev, const char *value, struct problem *problem)
{
	dev->last_peer->has |= WEFT_PEER_HAS_PRESHARED_KEY;
	return read_key_file(value, &dev->last_peer->preshared_key, problem);
}

static int set_endpoint(struct weft_device *dev, const char *value, struct problem *problem)
{
	dev->last_peer->has |= WEFT_PEER_HAS_ENDPOINT;
	return parse_endpoint(value, &dev->last_peer->endpoint, problem);
}

static int set_keepalive(struct weft_device *dev, const char *value, struct problem *problem)
{
	dev->last_peer->has |= WEFT_PEER_HAS_PERSISTENT_KEEPALIVE;
	return parse_keepalive(value, &dev->last_peer->persistent_keepalive, problem);
}

static int set_allowed_ips(struct weft_device *dev, const char *value, struct problem *problem)
{
	return parse_allowed_ips(value, dev->last_peer, problem);
}

static int set_suite(struct weft_device *dev, const char *value, struct problem *problem)
{
	dev->last_peer->has |= WEFT_PEER_HAS_SUITE;
	return parse_suite(value, &dev->last_peer->suite, problem);
}

static const struct word words[] = {
	{ "listen-port", false, true, set_listen_port },
	{ "fwmark", false, true, set_fwmark },
	{ "private-key", false, true, set_private_key },
	{ "upcalls", false, true, set_upcalls },
	{ "peer", false, true, begin_peer },
	{ "remove", true, false, set_remove },
	{ "preshared-key", true, true, set_preshared_key },
	{ "endpoint", true, true, set_endpoint },
	{ "persistent-keepalive", true, true, set_keepalive },
	{ "allowed-ips", true, true, set_allowed_ips },
	{ "suite", true, true, set_suite },
};

static const struct word *find_word(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); ++i) {
		if (!strcmp(words[i].name, name))
			return &words[i];
	}
	return NULL;
}

static int check_word(const struct word *word, const char *name, bool in_peer, bool last,
		      struct problem *problem)
{
	if (!word)
		return problem_set(problem, -EINVAL, "unknown key word \"%s\": expected %s", name,
				   in_peer ? "remove, preshared-key, endpoint, allowed-ips, "
					     "persistent-keepalive, suite or peer"
					   : "listen-port, fwmark, private-key, upcalls or peer");
	if (word->of_peer && !in_peer)
		return problem_set(problem, -EINVAL, "\"%s\" belongs to a peer: put peer KEY "
				   "before it", name);
	if (!word->of_peer && in_peer && word->apply != begin_peer)
		return problem_set(problem, -EINVAL, "\"%s\" belongs to the interface: put it "
				   "before the first peer", name);
	if (word->takes_value && last)
		return problem_set(problem, -EINVAL, "\"%s\" needs a value after it", name);
	return 0;
}

static int parse_words(int argc, char **argv, struct weft_device *dev, struct problem *problem)
{
	for (int i = 0; i < argc; ++i) {
		const struct word *word = find_word(argv[i]);
		const char *name = argv[i];
		struct problem why;
		int err;

		err = check_word(word, name, dev->last_peer, i == argc - 1, problem);
		if (err)
			return err;
		err = word->apply(dev, word->takes_value ? argv[++i] : NULL, &why);
		if (err)
			return problem_set(problem, err, "%s: %s", name, why.text);
	}
	return 0;
}

int parse_set(int argc, char **argv, struct weft_device **out, struct problem *problem)
{
	struct weft_device *dev;
	int err;

	*out = NULL;
	if (argc < 2)
		return problem_set(problem, -EINVAL, argc ? "nothing to set" :
				   "the interface is missing");
	if (!*argv[0] || strlen(argv[0]) >= IFNAMSIZ)
		return problem_set(problem, -EINVAL, "\"%s\" cannot be the name of an interface",
				   argv[0]);
	dev = weft_device_new(argv[0]);
	if (!dev)
		return problem_set(problem, -ENOMEM, "no memory");
	err = parse_words(argc - 1, argv + 1, dev, problem);
	if (err)
		weft_device_free(dev);
	else
		*out = dev;
	return err;
}

int cmd_set(int argc, char **argv)
{
	__free_device struct weft_device *dev = NULL;
	__free_weft struct weft *weft = NULL;
	struct problem problem;
	int err;

	err = parse_set(argc - 1, argv + 1, &dev, &problem);
	if (err) {
		complain("%s: %s", argv[0], problem.text);
		return err == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
	}
	weft = open_weft();
	if (!weft)
		return EXIT_FAILED;
	err = weft_device_set(weft, dev);
	return err ? complain_kernel(weft, dev->ifname, err) : EXIT_DONE;
}
