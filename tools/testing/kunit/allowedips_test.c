// SPDX-License-Identifier: GPL-2.0
/* Allowed IPs, against a plain array that is searched from end to end. */
#include "weft_kunit.h"

#include <linux/delay.h>
#include <linux/inet.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/kthread.h>
#include <linux/random.h>
#include <linux/skbuff.h>

#include "../../../kmod/allowedips.c"

#define PEERS		8
#define MODEL_MAX	600

struct weft_model_entry {
	u16 family;
	u8 addr[16];
	u8 prefix_len;
	unsigned int peer;
};

/* A table under test, and what it ought to hold. */
struct weft_allowedips_fixture {
	struct kunit *test;
	struct weft_allowedips table;
	struct weft_allowedips_pool pool;
	struct mutex lock;	/* of the table */
	struct weft_peer *peers[PEERS];
	struct weft_model_entry *model;
	unsigned int count;
	unsigned int errors;
	struct weft_allowedips_node *stack[2 * 129];
};

static unsigned int weft_list_length(struct list_head *list)
{
	struct list_head *link;
	unsigned int n = 0;

	list_for_each(link, list)
		n++;
	return n;
}

static unsigned int weft_model_bit(const u8 *addr, unsigned int bit)
{
	return addr[bit / 8] >> (7 - bit % 8) & 1;
}

static bool weft_model_same(const u8 *a, const u8 *b, unsigned int len)
{
	unsigned int i;

	for (i = 0; i < len; i++)
		if (weft_model_bit(a, i) != weft_model_bit(b, i))
			return false;
	return true;
}

static struct weft_model_entry *
weft_model_exact(struct weft_allowedips_fixture *f, u16 family, const u8 *addr,
		 u8 prefix_len)
{
	unsigned int i;

	for (i = 0; i < f->count; i++)
		if (f->model[i].family == family &&
		    f->model[i].prefix_len == prefix_len &&
		    weft_model_same(f->model[i].addr, addr, prefix_len))
			return &f->model[i];
	return NULL;
}

static struct weft_peer *weft_model_lookup(struct weft_allowedips_fixture *f,
					   u16 family, const u8 *addr)
{
	struct weft_model_entry *best = NULL, *e;

	for (e = f->model; e < f->model + f->count; e++)
		if (e->family == family &&
		    (!best || e->prefix_len > best->prefix_len) &&
		    weft_model_same(e->addr, addr, e->prefix_len))
			best = e;
	return best ? f->peers[best->peer] : NULL;
}

static void weft_fixture_insert(struct weft_allowedips_fixture *f, u16 family,
				const u8 *addr, u8 prefix_len,
				unsigned int peer)
{
	struct weft_model_entry *e;

	e = weft_model_exact(f, family, addr, prefix_len);
	if (!e) {
		KUNIT_ASSERT_LT(f->test, f->count, MODEL_MAX);
		e = &f->model[f->count++];
		e->family = family;
		memcpy(e->addr, addr, 16);
		e->prefix_len = prefix_len;
	}
	e->peer = peer;

	KUNIT_ASSERT_EQ(f->test, weft_allowedips_reserve(&f->pool, 1), 0);
	mutex_lock(&f->lock);
	weft_allowedips_insert(&f->table, &f->pool, family, addr, prefix_len,
			       f->peers[peer], &f->lock);
	mutex_unlock(&f->lock);
}

static void weft_fixture_remove(struct weft_allowedips_fixture *f, u16 family,
				const u8 *addr, u8 prefix_len,
				unsigned int peer)
{
	struct weft_model_entry *e;

	e = weft_model_exact(f, family, addr, prefix_len);
	if (e && e->peer == peer)
		*e = f->model[--f->count];
	mutex_lock(&f->lock);
	weft_allowedips_remove(&f->table, family, addr, prefix_len,
			       f->peers[peer], &f->lock);
	mutex_unlock(&f->lock);
}

static void weft_fixture_remove_by_peer(struct weft_allowedips_fixture *f,
					unsigned int peer)
{
	unsigned int i = 0;

	while (i < f->count) {
		if (f->model[i].peer == peer)
			f->model[i] = f->model[--f->count];
		else
			i++;
	}
	mutex_lock(&f->lock);
	weft_allowedips_remove_by_peer(&f->table, f->peers[peer], &f->lock);
	mutex_unlock(&f->lock);
}

static void weft_fixture_lookup(struct weft_allowedips_fixture *f, u16 family,
				const u8 *addr)
{
	struct weft_peer *found, *expected;

	rcu_read_lock();
	found = weft_allowedips_lookup(&f->table, family, addr);
	rcu_read_unlock();
	expected = weft_model_lookup(f, family, addr);
	if (found == expected || f->errors++ > 5)
		return;
	if (family == AF_INET)
		KUNIT_FAIL(f->test, "%pI4: wrong owner", addr);
	else
		KUNIT_FAIL(f->test, "%pI6c: wrong owner", addr);
}

/* The shape of the trie: what keeps it small and its depth bounded. */
static unsigned int weft_fixture_shape(struct weft_allowedips_fixture *f,
				       struct weft_allowedips_node *node,
				       u16 family)
{
	unsigned int i, children, nodes = 0, depth = 0;
	struct weft_allowedips_node *child;

	f->stack[depth++] = node;
	while (depth) {
		node = f->stack[--depth];
		nodes++;
		children = 0;
		KUNIT_EXPECT_EQ(f->test, node->family, family);
		for (i = 0; i < 2; i++) {
			child = rcu_dereference_protected(node->child[i], true);
			if (!child)
				continue;
			children++;
			KUNIT_EXPECT_GT(f->test, child->prefix_len,
					node->prefix_len);
			KUNIT_EXPECT_GE(f->test,
					weft_allowedips_common(child->bits,
							       node->bits),
					node->prefix_len);
			KUNIT_EXPECT_EQ(f->test,
					weft_allowedips_fork(node, child->bits),
					i);
			KUNIT_ASSERT_LT(f->test, depth, ARRAY_SIZE(f->stack));
			f->stack[depth++] = child;
		}
		if (!rcu_access_pointer(node->peer))
			KUNIT_EXPECT_EQ_MSG(f->test, children, 2,
					    "a fork that is none is left over");
	}
	return nodes;
}

/* The peers' lists hold what the model does, each with its peer. */
static void weft_fixture_check(struct weft_allowedips_fixture *f)
{
	struct weft_allowedips_node *node;
	unsigned int peer, i, listed = 0;
	struct weft_model_entry *e;
	u8 addr[16], prefix_len;
	u16 family;

	for (peer = 0; peer < PEERS; peer++) {
		list_for_each_entry(node, &f->peers[peer]->allowedips,
				    peer_list) {
			listed++;
			memset(addr, 0xa5, sizeof(addr));
			family = weft_allowedips_read_node(node, addr,
							   &prefix_len);
			e = weft_model_exact(f, family, addr, prefix_len);
			KUNIT_ASSERT_NOT_NULL(f->test, e);
			KUNIT_ASSERT_EQ(f->test, e->peer, peer);
			/* Host bits are gone. */
			for (i = prefix_len; i < (family == AF_INET ? 32 : 128); i++)
				KUNIT_ASSERT_EQ(f->test,
						weft_model_bit(addr, i), 0);
		}
	}
	KUNIT_ASSERT_EQ(f->test, listed, f->count);

	for (i = 0; i < 2; i++) {
		family = i ? AF_INET6 : AF_INET;
		node = rcu_dereference_protected(f->table.root[i], true);
		listed = 0;
		for (e = f->model; e < f->model + f->count; e++)
			listed += e->family == family;
		KUNIT_ASSERT_EQ(f->test, !node, !listed);
		if (node)
			KUNIT_ASSERT_LT(f->test,
					weft_fixture_shape(f, node, family),
					2 * listed);
	}
}

/*
 * An address that others are likely to share a prefix with: one of few, with
 * some bits turned.
 */
static void weft_random_addr(u8 addr[16])
{
	unsigned int bit, turns = get_random_u32() % 4;

	memset(addr, get_random_u32() % 2 ? 0xaa : 0x00, 16);
	while (turns--) {
		bit = get_random_u32() % 128;
		/* More of those that IPv4 has. */
		if (get_random_u32() % 2)
			bit %= 32;
		addr[bit / 8] ^= 0x80 >> bit % 8;
	}
}

static u8 weft_random_len(u16 family)
{
	unsigned int max = family == AF_INET ? 32 : 128;
	unsigned int dice = get_random_u32() % 10;

	if (dice == 0)
		return 0;
	if (dice == 1)
		return max;
	/* Both words, and the seam between them. */
	if (dice == 2 && family == AF_INET6)
		return 62 + get_random_u32() % 5;
	return get_random_u32() % (max + 1);
}

static void weft_fixture_random(struct weft_allowedips_fixture *f,
				unsigned int steps, unsigned int fill)
{
	struct weft_model_entry *e;
	unsigned int i, j, dice, peer;
	u8 addr[16], len;
	u16 family;

	for (i = 0; i < steps; i++) {
		family = get_random_u32() % 2 ? AF_INET : AF_INET6;
		weft_random_addr(addr);
		len = weft_random_len(family);
		peer = get_random_u32() % PEERS;
		dice = get_random_u32() % 100;

		if (dice < 5 || f->count == fill) {
			weft_fixture_remove_by_peer(f, peer);
		} else if (dice < 35 && f->count) {
			/* One that is there; often it is another one's. */
			e = &f->model[get_random_u32() % f->count];
			family = e->family;
			len = e->prefix_len;
			memcpy(addr, e->addr, 16);
			if (get_random_u32() % 3)
				peer = e->peer;
			weft_fixture_remove(f, family, addr, len, peer);
		} else if (dice < 45 && f->count) {
			/* A move. */
			e = &f->model[get_random_u32() % f->count];
			memcpy(addr, e->addr, 16);
			weft_fixture_insert(f, e->family, addr, e->prefix_len,
					    peer);
		} else if (dice < 50) {
			/* Most likely one that is not there. */
			weft_fixture_remove(f, family, addr, len, peer);
		} else {
			weft_fixture_insert(f, family, addr, len, peer);
		}

		for (j = 0; j < 6; j++) {
			weft_random_addr(addr);
			weft_fixture_lookup(f, j % 2 ? AF_INET : AF_INET6,
					    addr);
		}
		if (i % 50 == 0)
			weft_fixture_check(f);
	}
	weft_fixture_check(f);
}

static void allowedips_random_sparse(struct kunit *test)
{
	/* Often empty, so that roots come and go. */
	weft_fixture_random(test->priv, 2000, 10);
}

static void allowedips_random_dense(struct kunit *test)
{
	weft_fixture_random(test->priv, 2000, MODEL_MAX);
}

/* "address/length", or without a length the whole address */
static void weft_parse(const char *text, u16 *family, u8 addr[16], u8 *len)
{
	const char *slash = strchrnul(text, '/');

	memset(addr, 0, 16);
	*family = strchr(text, ':') ? AF_INET6 : AF_INET;
	*len = *family == AF_INET ? 32 : 128;
	if (*family == AF_INET)
		WARN_ON(!in4_pton(text, slash - text, addr, -1, NULL));
	else
		WARN_ON(!in6_pton(text, slash - text, addr, -1, NULL));
	if (*slash)
		WARN_ON(kstrtou8(slash + 1, 10, len));
}

static void weft_add(struct kunit *test, const char *prefix, unsigned int peer)
{
	u8 addr[16], len;
	u16 family;

	weft_parse(prefix, &family, addr, &len);
	weft_fixture_insert(test->priv, family, addr, len, peer);
}

static void weft_del(struct kunit *test, const char *prefix, unsigned int peer)
{
	u8 addr[16], len;
	u16 family;

	weft_parse(prefix, &family, addr, &len);
	weft_fixture_remove(test->priv, family, addr, len, peer);
}

/* Whose is it? -1: nobody's. */
static int weft_find(struct kunit *test, const char *address)
{
	struct weft_allowedips_fixture *f = test->priv;
	struct weft_peer *peer;
	u8 addr[16], len;
	u16 family;
	int i;

	weft_parse(address, &family, addr, &len);
	rcu_read_lock();
	peer = weft_allowedips_lookup(&f->table, family, addr);
	rcu_read_unlock();
	for (i = 0; i < PEERS; i++)
		if (peer == f->peers[i])
			return i;
	KUNIT_EXPECT_NULL(test, peer);
	return -1;
}

static void allowedips_longest_wins(struct kunit *test)
{
	weft_add(test, "10.0.0.0/8", 0);
	weft_add(test, "10.1.0.0/16", 1);
	weft_add(test, "10.1.2.0/24", 2);
	weft_add(test, "10.1.2.3/32", 3);
	KUNIT_EXPECT_EQ(test, weft_find(test, "10.255.255.255"), 0);
	KUNIT_EXPECT_EQ(test, weft_find(test, "10.1.255.1"), 1);
	KUNIT_EXPECT_EQ(test, weft_find(test, "10.1.2.4"), 2);
	KUNIT_EXPECT_EQ(test, weft_find(test, "10.1.2.3"), 3);
	KUNIT_EXPECT_EQ(test, weft_find(test, "11.0.0.0"), -1);
	KUNIT_EXPECT_EQ(test, weft_find(test, "9.255.255.255"), -1);

	weft_add(test, "2001:db8::/32", 4);
	weft_add(test, "2001:db8:0:0:8000::/65", 5);
	weft_add(test, "2001:db8::1/128", 6);
	KUNIT_EXPECT_EQ(test, weft_find(test, "2001:db8:1::"), 4);
	KUNIT_EXPECT_EQ(test, weft_find(test, "2001:db8::8000:0:0:0"), 5);
	KUNIT_EXPECT_EQ(test, weft_find(test, "2001:db8::7fff:0:0:0"), 4);
	KUNIT_EXPECT_EQ(test, weft_find(test, "2001:db8::1"), 6);
	KUNIT_EXPECT_EQ(test, weft_find(test, "2001:db8::"), 4);
	KUNIT_EXPECT_EQ(test, weft_find(test, "2001:db9::"), -1);
}

static void allowedips_default_routes(struct kunit *test)
{
	weft_add(test, "0.0.0.0/0", 0);
	KUNIT_EXPECT_EQ(test, weft_find(test, "0.0.0.0"), 0);
	KUNIT_EXPECT_EQ(test, weft_find(test, "255.255.255.255"), 0);
	/* One family's is not the other's. */
	KUNIT_EXPECT_EQ(test, weft_find(test, "::"), -1);
	weft_add(test, "::/0", 1);
	KUNIT_EXPECT_EQ(test, weft_find(test, "::"), 1);
	KUNIT_EXPECT_EQ(test, weft_find(test, "ffff::ffff"), 1);
	KUNIT_EXPECT_EQ(test, weft_find(test, "10.0.0.1"), 0);
	weft_add(test, "128.0.0.0/1", 2);
	KUNIT_EXPECT_EQ(test, weft_find(test, "127.255.255.255"), 0);
	KUNIT_EXPECT_EQ(test, weft_find(test, "128.0.0.0"), 2);
	weft_del(test, "0.0.0.0/0", 0);
	KUNIT_EXPECT_EQ(test, weft_find(test, "127.255.255.255"), -1);
	KUNIT_EXPECT_EQ(test, weft_find(test, "128.0.0.0"), 2);
	weft_fixture_check(test->priv);
}

static void allowedips_full_length(struct kunit *test)
{
	weft_add(test, "0.0.0.0/32", 0);
	weft_add(test, "255.255.255.255/32", 1);
	weft_add(test, "::/128", 2);
	weft_add(test, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", 3);
	KUNIT_EXPECT_EQ(test, weft_find(test, "0.0.0.0"), 0);
	KUNIT_EXPECT_EQ(test, weft_find(test, "0.0.0.1"), -1);
	KUNIT_EXPECT_EQ(test, weft_find(test, "255.255.255.255"), 1);
	KUNIT_EXPECT_EQ(test, weft_find(test, "255.255.255.254"), -1);
	KUNIT_EXPECT_EQ(test, weft_find(test, "::"), 2);
	KUNIT_EXPECT_EQ(test, weft_find(test, "::1"), -1);
	KUNIT_EXPECT_EQ(test, weft_find(test, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), 3);
	KUNIT_EXPECT_EQ(test, weft_find(test, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe"), -1);
	weft_fixture_check(test->priv);
}

static void allowedips_host_bits_ignored(struct kunit *test)
{
	weft_add(test, "192.168.4.77/24", 0);
	KUNIT_EXPECT_EQ(test, weft_find(test, "192.168.4.1"), 0);
	/* The same prefix: it moves. */
	weft_add(test, "192.168.4.99/24", 1);
	KUNIT_EXPECT_EQ(test, weft_find(test, "192.168.4.1"), 1);
	weft_add(test, "fd00::dead:beef/64", 2);
	KUNIT_EXPECT_EQ(test, weft_find(test, "fd00::1"), 2);
	weft_fixture_check(test->priv);
	weft_del(test, "fd00::1/64", 2);
	weft_del(test, "192.168.4.255/24", 1);
	KUNIT_EXPECT_EQ(test, weft_find(test, "192.168.4.1"), -1);
	KUNIT_EXPECT_EQ(test, weft_find(test, "fd00::1"), -1);
	weft_fixture_check(test->priv);
}

static void allowedips_move(struct kunit *test)
{
	struct weft_allowedips_fixture *f = test->priv;

	weft_add(test, "10.0.0.0/24", 0);
	weft_add(test, "10.0.1.0/24", 0);
	weft_add(test, "10.0.0.0/24", 1);
	KUNIT_EXPECT_EQ(test, weft_find(test, "10.0.0.1"), 1);
	KUNIT_EXPECT_EQ(test, weft_find(test, "10.0.1.1"), 0);
	KUNIT_EXPECT_TRUE(test, list_is_singular(&f->peers[0]->allowedips));
	KUNIT_EXPECT_TRUE(test, list_is_singular(&f->peers[1]->allowedips));
	/* The fork between two prefixes becomes a prefix, and a fork again. */
	weft_add(test, "10.0.0.0/23", 2);
	weft_fixture_check(f);
	weft_del(test, "10.0.0.0/23", 2);
	weft_fixture_check(f);
	KUNIT_EXPECT_EQ(test, weft_find(test, "10.0.0.1"), 1);
	KUNIT_EXPECT_EQ(test, weft_find(test, "10.0.1.1"), 0);
}

static void allowedips_only_owner_removes(struct kunit *test)
{
	weft_add(test, "10.0.0.0/8", 0);
	weft_del(test, "10.0.0.0/8", 1);
	weft_del(test, "10.0.0.0/9", 0);
	weft_del(test, "10.0.0.0/7", 0);
	weft_del(test, "a00::/8", 0);
	KUNIT_EXPECT_EQ(test, weft_find(test, "10.0.0.1"), 0);
	weft_del(test, "10.0.0.0/8", 0);
	KUNIT_EXPECT_EQ(test, weft_find(test, "10.0.0.1"), -1);
}

/* Replace a peer's prefixes as the head of remove_list() describes. */
static void allowedips_replace(struct kunit *test)
{
	struct weft_allowedips_fixture *f = test->priv;
	LIST_HEAD(old);

	weft_add(test, "10.0.0.0/24", 0);
	weft_add(test, "10.0.1.0/24", 0);
	weft_add(test, "10.0.2.0/24", 1);
	list_splice_init(&f->peers[0]->allowedips, &old);
	weft_add(test, "10.0.1.0/24", 0);
	weft_add(test, "10.0.2.0/24", 0);
	mutex_lock(&f->lock);
	weft_allowedips_remove_list(&f->table, &old, &f->lock);
	mutex_unlock(&f->lock);
	KUNIT_EXPECT_TRUE(test, list_empty(&old));
	KUNIT_EXPECT_EQ(test, weft_find(test, "10.0.0.1"), -1);
	KUNIT_EXPECT_EQ(test, weft_find(test, "10.0.1.1"), 0);
	KUNIT_EXPECT_EQ(test, weft_find(test, "10.0.2.1"), 0);
	KUNIT_EXPECT_EQ(test, weft_list_length(&f->peers[0]->allowedips), 2);
	KUNIT_EXPECT_TRUE(test, list_empty(&f->peers[1]->allowedips));
	/* The model does not know of the one that is gone. */
	weft_del(test, "10.0.0.0/24", 0);
	weft_fixture_check(f);
}

static void allowedips_pool(struct kunit *test)
{
	struct weft_allowedips_fixture *f = test->priv;
	struct weft_allowedips_pool pool = {};
	u8 addr[4] = { 10 };
	unsigned int i;

	KUNIT_ASSERT_EQ(test, weft_allowedips_reserve(&pool, 40), 0);
	KUNIT_ASSERT_EQ(test, weft_allowedips_reserve(&pool, 2), 0);
	mutex_lock(&f->lock);
	/* What was promised, and each with the most that it can take. */
	for (i = 0; i < 42; i++) {
		addr[3] = i;
		KUNIT_EXPECT_GE(test, pool.count, 2 * (42 - i));
		weft_allowedips_insert(&f->table, &pool, AF_INET, addr, 32,
				       f->peers[0], &f->lock);
	}
	mutex_unlock(&f->lock);
	KUNIT_EXPECT_EQ(test, pool.count, 1);
	weft_allowedips_release(&pool);
	KUNIT_EXPECT_EQ(test, pool.count, 0);
	KUNIT_EXPECT_NULL(test, pool.free);
	KUNIT_EXPECT_EQ(test, weft_list_length(&f->peers[0]->allowedips), 42);
}

static void allowedips_packets(struct kunit *test)
{
	struct weft_allowedips_fixture *f = test->priv;
	struct weft_peer *peer;
	struct sk_buff *skb;

	weft_add(test, "10.0.0.1", 0);
	weft_add(test, "10.0.0.2", 1);
	weft_add(test, "fd00::1", 2);
	weft_add(test, "fd00::2", 3);

	skb = weft_kunit_skb(test, "10.0.0.1", 1, "", 0);
	ip_hdr(skb)->daddr = htonl(0x0a000002);
	rcu_read_lock();
	peer = weft_allowedips_lookup_src(&f->table, skb);
	KUNIT_EXPECT_PTR_EQ(test, peer, f->peers[0]);
	peer = weft_allowedips_lookup_dst(&f->table, skb);
	KUNIT_EXPECT_PTR_EQ(test, peer, f->peers[1]);

	weft_kunit_source(skb, "fd00::1", 1);
	ipv6_hdr(skb)->daddr = ipv6_hdr(skb)->saddr;
	ipv6_hdr(skb)->daddr.s6_addr[15] = 2;
	peer = weft_allowedips_lookup_src(&f->table, skb);
	KUNIT_EXPECT_PTR_EQ(test, peer, f->peers[2]);
	peer = weft_allowedips_lookup_dst(&f->table, skb);
	KUNIT_EXPECT_PTR_EQ(test, peer, f->peers[3]);

	skb->protocol = htons(ETH_P_ARP);
	KUNIT_EXPECT_NULL(test, weft_allowedips_lookup_src(&f->table, skb));
	KUNIT_EXPECT_NULL(test, weft_allowedips_lookup_dst(&f->table, skb));
	KUNIT_EXPECT_NULL(test, weft_allowedips_lookup(&f->table, AF_UNIX, skb));
	rcu_read_unlock();
}

static void allowedips_free_whole(struct kunit *test)
{
	struct weft_allowedips_fixture *f = test->priv;
	unsigned int i;

	weft_fixture_random(f, 500, MODEL_MAX);
	mutex_lock(&f->lock);
	weft_allowedips_free(&f->table, &f->lock);
	mutex_unlock(&f->lock);
	f->count = 0;
	for (i = 0; i < PEERS; i++)
		KUNIT_EXPECT_TRUE(test, list_empty(&f->peers[i]->allowedips));
	weft_fixture_check(f);
	/* And again from nothing. */
	weft_fixture_random(f, 500, MODEL_MAX);
}

struct weft_allowedips_reader {
	struct weft_allowedips *table;
	u8 addr[4];
	unsigned long looked, missed;
};

static int weft_allowedips_read(void *data)
{
	struct weft_allowedips_reader *reader = data;
	struct weft_peer *peer;

	while (!kthread_should_stop()) {
		rcu_read_lock();
		peer = weft_allowedips_lookup(reader->table, AF_INET,
					      reader->addr);
		rcu_read_unlock();
		WRITE_ONCE(reader->looked, reader->looked + 1);
		if (!peer)
			reader->missed++;
		if (reader->looked % 256 == 0)
			cond_resched();
	}
	return 0;
}

/*
 * Readers find an owner at every moment while a prefix moves, and while longer
 * and shorter ones come and go about it.
 */
static void allowedips_move_under_readers(struct kunit *test)
{
	struct weft_allowedips_fixture *f = test->priv;
	struct weft_allowedips_reader readers[2];
	unsigned long end = jiffies + HZ;
	struct task_struct *tasks[2];
	unsigned int i = 0, j;

	weft_add(test, "10.0.0.0/24", 0);
	for (j = 0; j < 2; j++) {
		readers[j] = (struct weft_allowedips_reader) {
			.table = &f->table, .addr = { 10, 0, 0, 1 },
		};
		tasks[j] = kthread_run(weft_allowedips_read, &readers[j],
				       "weft_reader");
		KUNIT_ASSERT_FALSE(test, IS_ERR(tasks[j]));
	}
	while (time_before(jiffies, end)) {
		weft_add(test, "10.0.0.0/24", i++ % 2);
		weft_add(test, "10.0.0.0/8", 2);
		weft_add(test, "10.0.0.1/32", 3);
		weft_add(test, "10.0.0.2/32", 4);
		weft_del(test, "10.0.0.1/32", 3);
		weft_add(test, "10.0.0.0/24", i++ % 2);
		weft_del(test, "10.0.0.2/32", 4);
		weft_del(test, "10.0.0.0/8", 2);
		cond_resched();
	}
	for (j = 0; j < 2; j++) {
		kthread_stop(tasks[j]);
		KUNIT_EXPECT_GT(test, readers[j].looked, 0);
		KUNIT_EXPECT_EQ(test, readers[j].missed, 0);
	}
	kunit_info(test, "%u moves, %lu look-ups\n", i,
		   readers[0].looked + readers[1].looked);
}

static int weft_allowedips_test_init(struct kunit *test)
{
	struct weft_allowedips_fixture *f;
	unsigned int i;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->model = kunit_kcalloc(test, MODEL_MAX, sizeof(*f->model),
				 GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f->model);
	for (i = 0; i < PEERS; i++) {
		f->peers[i] = kunit_kzalloc(test, sizeof(*f->peers[i]),
					    GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, f->peers[i]);
		INIT_LIST_HEAD(&f->peers[i]->allowedips);
	}
	KUNIT_ASSERT_EQ(test, weft_allowedips_module_init(), 0);
	f->test = test;
	mutex_init(&f->lock);
	weft_allowedips_init(&f->table);
	test->priv = f;
	return 0;
}

/* Frees all, so that the cache complains if a node was lost. */
static void weft_allowedips_test_exit(struct kunit *test)
{
	struct weft_allowedips_fixture *f = test->priv;

	if (!f)
		return;
	mutex_lock(&f->lock);
	weft_allowedips_free(&f->table, &f->lock);
	mutex_unlock(&f->lock);
	weft_allowedips_release(&f->pool);
	weft_allowedips_module_exit();
}

static struct kunit_case weft_allowedips_cases[] = {
	KUNIT_CASE(allowedips_longest_wins),
	KUNIT_CASE(allowedips_default_routes),
	KUNIT_CASE(allowedips_full_length),
	KUNIT_CASE(allowedips_host_bits_ignored),
	KUNIT_CASE(allowedips_move),
	KUNIT_CASE(allowedips_only_owner_removes),
	KUNIT_CASE(allowedips_replace),
	KUNIT_CASE(allowedips_pool),
	KUNIT_CASE(allowedips_packets),
	KUNIT_CASE(allowedips_free_whole),
	KUNIT_CASE(allowedips_random_sparse),
	KUNIT_CASE(allowedips_random_dense),
	KUNIT_CASE(allowedips_move_under_readers),
	{}
};

static struct kunit_suite weft_allowedips_suite = {
	.name = "weft_allowedips",
	.init = weft_allowedips_test_init,
	.exit = weft_allowedips_test_exit,
	.test_cases = weft_allowedips_cases,
};

kunit_test_suite(weft_allowedips_suite);
