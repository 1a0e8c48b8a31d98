// SPDX-License-Identifier: GPL-2.0
/*
 * weft: peer-to-peer overlay networking, encrypted and encapsulated in the
 * kernel; compatible with WireGuard on the wire.
 */

#include <linux/module.h>
#include <net/genetlink.h>
#include <net/rtnetlink.h>

#include "allowedips.h"
#include "device.h"
#include "gcm.h"
#include "netlink.h"
#include "noise.h"
#include "peer.h"
#include "ratelimiter.h"

static int __init weft_init(void)
{
	int err;

	weft_noise_init();
	weft_gcm_probe();
	if (!weft_gcm_present())
		pr_info("weft: no accelerated AES-GCM, suite aes256gcm is not available\n");
	err = weft_allowedips_module_init();
	if (err)
		goto err_gcm;
	err = weft_ratelimiter_module_init();
	if (err)
		goto err_allowedips;
	err = weft_peer_module_init();
	if (err)
		goto err_ratelimiter;
	err = weft_device_module_init();
	if (err)
		goto err_peer;
	err = weft_netlink_init();
	if (err)
		goto err_device;
	return 0;

err_device:
	weft_device_module_exit();
err_peer:
	weft_peer_module_exit();
err_ratelimiter:
	weft_ratelimiter_module_exit();
err_allowedips:
	weft_allowedips_module_exit();
err_gcm:
	weft_gcm_exit();
	return err;
}

static void __exit weft_exit(void)
{
	/* Devices send events as long as there are any. */
	weft_device_module_exit();
	weft_netlink_exit();
	weft_peer_module_exit();
	weft_ratelimiter_module_exit();
	weft_allowedips_module_exit();
	weft_gcm_exit();
}

module_init(weft_init);
module_exit(weft_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("weft peer-to-peer overlay network");
MODULE_AUTHOR("The weft authors");
MODULE_VERSION("0.1.0");
/* Not needed, but AES instructions are of no use without it. */
MODULE_SOFTDEP("pre: crypto-aes");
MODULE_ALIAS_RTNL_LINK(KBUILD_MODNAME);
MODULE_ALIAS_GENL_FAMILY(WEFT_FAMILY_NAME);
