// SPDX-License-Identifier: GPL-2.0
/*
 * The network interface, and what happens to it from outside: link up and
 * down, namespaces that end, suspend.
 */

#include "device.h"

#include <linux/ethtool.h>
#include <linux/if_arp.h>
#include <linux/inetdevice.h>
#include <linux/random.h>
#include <linux/suspend.h>
#include <net/addrconf.h>
#include <net/ip_tunnels.h>
#include <net/net_namespace.h>
#include <net/rtnetlink.h>

#include "compat/compat.h"
#include "netlink.h"
#include "packet.h"
#include "socket.h"

/* All devices; under RTNL. */
static LIST_HEAD(devices);

static void call_for_peers(struct weft_device *wdev,
			   void (*fn)(struct weft_peer *peer))
{
	struct weft_peer *peer;

	lockdep_assert_held(&wdev->lock);
	list_for_each_entry(peer, &weft_device_table(wdev)->peers, list)
		fn(peer);
}

static void peer_up(struct weft_peer *peer)
{
	weft_send_staged(peer);
	if (peer->timers.keepalive_interval)
		weft_send_keepalive(peer);
}

static int weft_open(struct net_device *dev)
{
	struct in_device *in_dev = __in_dev_get_rtnl(dev);
	struct inet6_dev *in6_dev = __in6_dev_get(dev);
	struct weft_device *wdev = netdev_priv(dev);
	int err;

	/* A tunnel has nobody on its link to redirect to, or to ask. */
	if (in_dev) {
		IN_DEV_CONF_SET(in_dev, SEND_REDIRECTS, false);
		IPV4_DEVCONF_ALL(dev_net(dev), SEND_REDIRECTS) = false;
	}
	if (in6_dev)
		in6_dev->cnf.addr_gen_mode = IN6_ADDR_GEN_MODE_NONE;

	mutex_lock(&wdev->lock);
	err = weft_sockets_open(wdev, wdev->port);
	if (!err) {
		weft_upcalls_start(wdev);
		call_for_peers(wdev, peer_up);
	}
	mutex_unlock(&wdev->lock);
	return err;
}

static void peer_forget_keys(struct weft_peer *peer)
{
	weft_handshake_clear(peer);
	if (weft_sessions_clear(peer))
		weft_netlink_session_event(peer, WEFT_SESSION_EVENT_EXPIRED);
	/* What is held has a reference of its session. */
	weft_burst_stop(peer);
}

static void peer_down(struct weft_peer *peer)
{
	weft_burst_stop(peer);
	weft_timers_stop(peer);
	if (cancel_work_sync(&peer->handshake_work))
		weft_peer_put(peer);
	weft_purge_staged(peer);
	peer_forget_keys(peer);
	atomic64_set(&peer->last_sent_handshake,
		     ktime_get_coarse_boottime_ns() -
		     (u64)(WEFT_REKEY_TIMEOUT + 1) * NSEC_PER_SEC);
}

static int weft_stop(struct net_device *dev)
{
	struct weft_device *wdev = netdev_priv(dev);
	struct sk_buff *skb;

	mutex_lock(&wdev->lock);
	weft_sockets_close(wdev);
	while ((skb = ptr_ring_consume_bh(&wdev->handshake_ring))) {
		atomic_dec(&wdev->handshakes_queued);
		kfree_skb(skb);
	}
	/* A handshake under way must not make a session after this. */
	flush_workqueue(wdev->handshake_wq);
	weft_upcalls_stop(wdev);
	call_for_peers(wdev, peer_down);
	mutex_unlock(&wdev->lock);
	return 0;
}

static const struct net_device_ops weft_netdev_ops = {
	.ndo_open = weft_open,
	.ndo_stop = weft_stop,
	.ndo_start_xmit = weft_xmit,
	.ndo_get_stats64 = weft_stats_read,
};

static const struct device_type weft_type = { .name = KBUILD_MODNAME };

static int handshake_workers_init(struct weft_device *wdev)
{
	unsigned int i;

	if (ptr_ring_init(&wdev->handshake_ring,
			  WEFT_MAX_QUEUED_INCOMING_HANDSHAKES, GFP_KERNEL))
		return -ENOMEM;
	wdev->handshake_workers = kcalloc(nr_cpu_ids,
					  sizeof(*wdev->handshake_workers),
					  GFP_KERNEL);
	if (!wdev->handshake_workers)
		goto err_ring;
	wdev->handshake_wq = alloc_workqueue("weft-handshake-%s",
					     WQ_UNBOUND | WQ_FREEZABLE, 0,
					     wdev->dev->name);
	if (!wdev->handshake_wq)
		goto err_workers;
	wdev->peer_wq = alloc_workqueue("weft-peer-%s",
					WQ_UNBOUND | WQ_FREEZABLE, 0,
					wdev->dev->name);
	if (!wdev->peer_wq)
		goto err_wq;
	INIT_DELAYED_WORK(&wdev->secrets_work, weft_peer_secrets_work);
	for (i = 0; i < nr_cpu_ids; i++) {
		wdev->handshake_workers[i].wdev = wdev;
		INIT_WORK(&wdev->handshake_workers[i].work,
			  weft_handshake_receive_work);
	}
	return 0;

err_wq:
	destroy_workqueue(wdev->handshake_wq);
err_workers:
	kfree(wdev->handshake_workers);
err_ring:
	ptr_ring_cleanup(&wdev->handshake_ring, NULL);
	return -ENOMEM;
}

static void free_queued_skb(void *skb)
{
	kfree_skb(skb);
}

static void handshake_workers_exit(struct weft_device *wdev)
{
	destroy_workqueue(wdev->handshake_wq);
	cancel_delayed_work_sync(&wdev->secrets_work);
	destroy_workqueue(wdev->peer_wq);
	kfree(wdev->handshake_workers);
	ptr_ring_cleanup(&wdev->handshake_ring, free_queued_skb);
}

static int stats_init(struct weft_device *wdev)
{
	int cpu;

	wdev->stats = alloc_percpu(struct weft_stats);
	if (!wdev->stats)
		return -ENOMEM;
	for_each_possible_cpu(cpu)
		u64_stats_init(&per_cpu_ptr(wdev->stats, cpu)->sync);
	return 0;
}

static void weft_destruct(struct net_device *dev)
{
	struct weft_device *wdev = netdev_priv(dev);

	rtnl_lock();
	list_del(&wdev->list);
	rtnl_unlock();

	mutex_lock(&wdev->lock);
	rcu_assign_pointer(wdev->birth_net, NULL);
	wdev->port = 0;
	weft_sockets_close(wdev);
	weft_peer_remove_all(wdev);
	mutex_unlock(&wdev->lock);

	/*
	 * No socket brings anything new and no peer sends. Lanes hand batches
	 * to the cipher's workers, so they stop first. Workers finish what they
	 * hold and put its peers on the lanes, which let go of them, undelivered.
	 * Then all references to peers are gone, and RCU callbacks free them.
	 */
	handshake_workers_exit(wdev);
	weft_lanes_stop(wdev);
	weft_crypt_exit(wdev);
	weft_lanes_free(wdev);
	rcu_barrier();

	mutex_lock(&wdev->lock);
	weft_peer_table_destroy(weft_device_table(wdev), &wdev->lock);
	mutex_unlock(&wdev->lock);
	rhashtable_destroy(&wdev->indexes);
	free_percpu(wdev->stats);
	memzero_explicit(&wdev->identity, sizeof(wdev->identity));
	netdev_dbg(dev, "interface destroyed\n");
	free_netdev(dev);
}

static void weft_setup(struct net_device *dev)
{
	const int overhead = WEFT_MESSAGE_MINIMUM_LEN + sizeof(struct udphdr) +
			     max(sizeof(struct ipv6hdr), sizeof(struct iphdr));
	netdev_features_t features = NETIF_F_HW_CSUM | NETIF_F_RXCSUM |
				     NETIF_F_SG | NETIF_F_GSO | NETIF_F_GSO_SOFTWARE |
				     NETIF_F_HIGHDMA;

	dev->netdev_ops = &weft_netdev_ops;
	dev->ethtool_ops = &weft_ethtool_ops;
	dev->header_ops = &ip_tunnel_header_ops;
	dev->hard_header_len = 0;
	dev->addr_len = 0;
	dev->needed_headroom = WEFT_DATA_HEADROOM;
	dev->needed_tailroom = WEFT_DATA_TAILROOM;
	dev->type = ARPHRD_NONE;
	dev->flags = IFF_POINTOPOINT | IFF_NOARP;
	dev->priv_flags |= IFF_NO_QUEUE;
	dev->features |= features;
	dev->hw_features |= features;
	dev->hw_enc_features |= features;
	weft_compat_lltx(dev);
	dev->mtu = ETH_DATA_LEN - overhead;
	/* The outer length has 16 bits. */
	dev->max_mtu = IP_MAX_MTU - overhead;
	SET_NETDEV_DEVTYPE(dev, &weft_type);
	/* ICMP errors need the route of the packet that caused them. */
	netif_keep_dst(dev);
}

static int device_init(struct weft_device *wdev)
{
	struct weft_peer_table *table;
	int err;

	mutex_init(&wdev->lock);
	weft_identity_init(&wdev->identity);
	weft_cookie_checker_init(&wdev->cookie_checker);
	weft_upcalls_init(wdev);

	table = weft_peer_table_create();
	if (!table)
		return -ENOMEM;
	RCU_INIT_POINTER(wdev->table, table);
	err = weft_index_table_init(&wdev->indexes);
	if (err)
		goto err_table;
	err = stats_init(wdev);
	if (err)
		goto err_indexes;
	err = weft_lanes_init(wdev);
	if (err)
		goto err_stats;
	err = weft_crypt_init(wdev);
	if (err)
		goto err_lanes;
	err = handshake_workers_init(wdev);
	if (err)
		goto err_crypt;
	return 0;

err_crypt:
	weft_crypt_exit(wdev);
err_lanes:
	weft_lanes_stop(wdev);
	weft_lanes_free(wdev);
err_stats:
	free_percpu(wdev->stats);
err_indexes:
	rhashtable_destroy(&wdev->indexes);
err_table:
	mutex_lock(&wdev->lock);
	weft_peer_table_destroy(table, &wdev->lock);
	mutex_unlock(&wdev->lock);
	return err;
}

static void device_exit(struct weft_device *wdev)
{
	handshake_workers_exit(wdev);
	weft_lanes_stop(wdev);
	weft_crypt_exit(wdev);
	weft_lanes_free(wdev);
	free_percpu(wdev->stats);
	rhashtable_destroy(&wdev->indexes);
	mutex_lock(&wdev->lock);
	weft_peer_table_destroy(weft_device_table(wdev), &wdev->lock);
	mutex_unlock(&wdev->lock);
}

WEFT_NEWLINK(weft_newlink, dev, link_net, extack)
{
	struct weft_device *wdev = netdev_priv(dev);
	int err;

	wdev->dev = dev;
	rcu_assign_pointer(wdev->birth_net, link_net);
	err = device_init(wdev);
	if (err)
		return err;
	err = register_netdevice(dev);
	if (err) {
		device_exit(wdev);
		return err;
	}
	list_add(&wdev->list, &devices);
	/*
	 * Not before: a registration that fails calls the destructor of what
	 * it could not register, and the caller frees the device as well.
	 */
	dev->priv_destructor = weft_destruct;
	netdev_dbg(dev, "interface created\n");
	return 0;
}

static struct net *weft_get_link_net(const struct net_device *dev)
{
	const struct weft_device *wdev = netdev_priv(dev);
	struct net *net = rcu_dereference_rtnl(wdev->birth_net);

	return net ?: dev_net(dev);
}

static struct rtnl_link_ops link_ops __read_mostly = {
	.kind = KBUILD_MODNAME,
	.priv_size = sizeof(struct weft_device),
	.setup = weft_setup,
	.newlink = weft_newlink,
	.get_link_net = weft_get_link_net,
};

/**
 * weft_device_is() - is this one of ours?
 * @dev: any device
 */
bool weft_device_is(const struct net_device *dev)
{
	return dev->rtnl_link_ops == &link_ops;
}

/**
 * weft_device_changed() - what was noted of the peers is void
 * @wdev: device, whose lock is held
 */
void weft_device_changed(struct weft_device *wdev)
{
	static atomic64_t generation;

	lockdep_assert_held(&wdev->lock);
	wdev->generation = atomic64_inc_return(&generation);
}

/**
 * weft_device_set_port() - listen somewhere else
 * @wdev: device, whose lock is held, and RTNL
 * @port: UDP port, 0 for any
 *
 * Return: 0 or -errno; on failure nothing has changed.
 */
int weft_device_set_port(struct weft_device *wdev, u16 port)
{
	int err;

	ASSERT_RTNL();
	lockdep_assert_held(&wdev->lock);

	if (wdev->port == port && port)
		return 0;
	if (netif_running(wdev->dev)) {
		err = weft_sockets_open(wdev, port);
		if (err)
			return err;
	} else {
		wdev->port = port;
	}
	call_for_peers(wdev, weft_paths_forget_sources);
	return 0;
}

/**
 * weft_device_set_fwmark() - mark encapsulated packets
 * @wdev: device, whose lock is held
 * @fwmark: mark, 0 for none
 *
 * Return: 0.
 */
int weft_device_set_fwmark(struct weft_device *wdev, u32 fwmark)
{
	lockdep_assert_held(&wdev->lock);
	WRITE_ONCE(wdev->fwmark, fwmark);
	/* It may lead to other routes. */
	call_for_peers(wdev, weft_paths_forget_sources);
	return 0;
}

/**
 * weft_device_set_private_key() - give the device another identity
 * @wdev: device, whose lock is held
 * @private_key: all zero for none
 *
 * A peer with the new public key would be the device itself, and is removed.
 */
void weft_device_set_private_key(struct weft_device *wdev,
				 const u8 private_key[WEFT_KEY_LEN])
{
	struct weft_identity *identity = &wdev->identity;
	u8 public_key[WEFT_KEY_LEN];
	struct weft_peer *peer;
	bool present;

	lockdep_assert_held(&wdev->lock);

	if (!crypto_memneq(identity->private_key, private_key, WEFT_KEY_LEN))
		return;

	down_write(&identity->lock);
	present = weft_identity_set(identity, private_key);
	memcpy(public_key, identity->public_key, WEFT_KEY_LEN);
	call_for_peers(wdev, weft_handshake_forget_secret);
	up_write(&identity->lock);
	weft_peer_secrets_wanted(wdev);

	if (present) {
		peer = weft_peer_lookup(weft_device_table(wdev), public_key);
		if (peer)
			weft_peer_remove(peer);
	}

	call_for_peers(wdev, weft_sessions_stop_sending);
	weft_cookie_checker_set_key(&wdev->cookie_checker,
				    present ? public_key : NULL);
}

/**
 * weft_device_replace_peers() - exchange all peers, and the identity with them
 * @wdev: device, whose lock is held
 * @table: new table, with its peers
 * @private_key: all zero for none; NULL to keep the one there is. No peer of
 *	@table has its public key.
 *
 * The data path sees the old peers or the new ones. No handshake is made
 * between an old peer and the new identity or the other way round, which would
 * tell others that the two belong together.
 */
void weft_device_replace_peers(struct weft_device *wdev,
			       struct weft_peer_table *table,
			       const u8 *private_key)
{
	struct weft_identity *identity = &wdev->identity;
	u8 public_key[WEFT_KEY_LEN];
	struct weft_peer_table *old;
	bool present = false;
	LIST_HEAD(dead);

	lockdep_assert_held(&wdev->lock);

	/* Handshakes wait here until peers and identity go together. */
	down_write(&identity->lock);
	old = weft_peer_table_publish(wdev, table, &dead);
	if (private_key) {
		present = weft_identity_set(identity, private_key);
		memcpy(public_key, identity->public_key, WEFT_KEY_LEN);
		call_for_peers(wdev, weft_handshake_forget_secret);
	}
	up_write(&identity->lock);
	weft_peer_secrets_wanted(wdev);
	if (private_key)
		weft_cookie_checker_set_key(&wdev->cookie_checker,
					    present ? public_key : NULL);
	weft_peer_bury(&dead);
	weft_peer_table_destroy(old, &wdev->lock);
}

/* The sockets' namespace ends; the device, if it is elsewhere, lives on. */
static void device_lose_net(struct weft_device *wdev)
{
	netif_carrier_off(wdev->dev);
	mutex_lock(&wdev->lock);
	rcu_assign_pointer(wdev->birth_net, NULL);
	weft_sockets_close(wdev);
	/* Cached routes would keep the namespace's devices. */
	call_for_peers(wdev, weft_paths_forget_sources);
	mutex_unlock(&wdev->lock);
}

static void weft_net_pre_exit(struct net *net)
{
	struct weft_device *wdev;

	rtnl_lock();
	list_for_each_entry(wdev, &devices, list)
		if (rcu_access_pointer(wdev->birth_net) == net)
			device_lose_net(wdev);
	rtnl_unlock();
}

static struct pernet_operations pernet_ops = {
	.pre_exit = weft_net_pre_exit,
};

static void forget_all_keys(void)
{
	struct weft_device *wdev;

	rtnl_lock();
	list_for_each_entry(wdev, &devices, list) {
		mutex_lock(&wdev->lock);
		call_for_peers(wdev, peer_forget_keys);
		mutex_unlock(&wdev->lock);
	}
	rtnl_unlock();
	rcu_barrier();
}

/* Keys must not lie in the memory of a machine that sleeps. */
static int pm_notify(struct notifier_block *nb, unsigned long action,
		     void *data)
{
	/*
	 * A system that does not really sleep, a telephone in a pocket, would
	 * pay with a handshake for each doze.
	 */
	if (IS_ENABLED(CONFIG_PM_AUTOSLEEP) ||
	    IS_ENABLED(CONFIG_PM_USERSPACE_AUTOSLEEP))
		return NOTIFY_DONE;
	if (action == PM_HIBERNATION_PREPARE || action == PM_SUSPEND_PREPARE)
		forget_all_keys();
	return NOTIFY_DONE;
}

static struct notifier_block pm_notifier = { .notifier_call = pm_notify };

/* Two machines from one snapshot must not use the same nonces. */
static int vmfork_notify(struct notifier_block *nb, unsigned long action,
			 void *data)
{
	struct weft_device *wdev;

	rtnl_lock();
	list_for_each_entry(wdev, &devices, list) {
		mutex_lock(&wdev->lock);
		call_for_peers(wdev, weft_sessions_stop_sending);
		mutex_unlock(&wdev->lock);
	}
	rtnl_unlock();
	return NOTIFY_DONE;
}

static struct notifier_block vmfork_notifier = {
	.notifier_call = vmfork_notify
};

/**
 * weft_device_module_init() - make link kind weft known
 *
 * Return: 0 or -errno.
 */
int __init weft_device_module_init(void)
{
	int err;

	err = register_pm_notifier(&pm_notifier);
	if (err)
		return err;
	err = register_random_vmfork_notifier(&vmfork_notifier);
	if (err)
		goto err_pm;
	err = register_pernet_device(&pernet_ops);
	if (err)
		goto err_vmfork;
	err = rtnl_link_register(&link_ops);
	if (err)
		goto err_pernet;
	return 0;

err_pernet:
	unregister_pernet_device(&pernet_ops);
err_vmfork:
	unregister_random_vmfork_notifier(&vmfork_notifier);
err_pm:
	unregister_pm_notifier(&pm_notifier);
	return err;
}

/**
 * weft_device_module_exit() - delete all devices and undo the above
 */
void weft_device_module_exit(void)
{
	rtnl_link_unregister(&link_ops);
	unregister_pernet_device(&pernet_ops);
	unregister_random_vmfork_notifier(&vmfork_notifier);
	unregister_pm_notifier(&pm_notifier);
	rcu_barrier();
}
