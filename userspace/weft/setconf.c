// SPDX-License-Identifier: GPL-2.0-or-later
/* Apply a configuration file: setconf replaces, addconf adds, syncconf changes what differs. */
#include <string.h>

#include "config.h"
#include "weft_tool.h"

static int check_arguments(int argc, char **argv)
{
	if (argc != 3) {
		complain("%s: expected an interface and a configuration file", argv[0]);
		return EXIT_USAGE;
	}
	if (!*argv[1] || strlen(argv[1]) >= IFNAMSIZ) {
		complain("%s: \"%s\" cannot be the name of an interface", argv[0], argv[1]);
		return EXIT_USAGE;
	}
	return EXIT_DONE;
}

static int apply(int argc, char **argv, enum config_mode mode, bool sync)
{
	__free_device struct weft_device *present = NULL;
	__free_device struct weft_device *dev = NULL;
	__free_weft struct weft *weft = NULL;
	int err = check_arguments(argc, argv);

	if (err)
		return err;
	if (config_load(argv[2], argv[1], mode, &dev))
		return EXIT_FAILED;
	weft = open_weft();
	if (!weft)
		return EXIT_FAILED;
	if (sync)
		err = weft_device_get(weft, argv[1], &present);
	if (!err && sync)
		err = sync_changes(dev, present);
	if (!err)
		err = weft_device_set(weft, dev);
	return err ? complain_kernel(weft, argv[1], err) : EXIT_DONE;
}

int cmd_setconf(int argc, char **argv)
{
	return apply(argc, argv, CONFIG_REPLACE, false);
}

int cmd_addconf(int argc, char **argv)
{
	return apply(argc, argv, CONFIG_ADD, false);
}

int cmd_syncconf(int argc, char **argv)
{
	return apply(argc, argv, CONFIG_REPLACE, true);
}
