// SPDX-License-Identifier: GPL-2.0
/*
 * One bug of each kind that the debug kernel must catch. Loaded with bug=NAME, it commits that
 * bug and stays loaded.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/workqueue.h>

static char *bug = "none";
module_param(bug, charp, 0444);
MODULE_PARM_DESC(bug, "the bug to commit");

static DEFINE_MUTEX(lock_a);
static DEFINE_MUTEX(lock_b);
static DEFINE_SPINLOCK(spin);
static LIST_HEAD(list);
static int __rcu *protected;

static void use_after_free(void)
{
	u8 *bytes = kmalloc(64, GFP_KERNEL);

	if (!bytes)
		return;
	kfree(bytes);
	WRITE_ONCE(bytes[8], 1);
}

static void out_of_bounds(void)
{
	u8 *bytes = kmalloc(60, GFP_KERNEL);

	if (!bytes)
		return;
	OPTIMIZER_HIDE_VAR(bytes);
	WRITE_ONCE(bytes[60], 1);
	kfree(bytes);
}

/* The order is enough: nobody has to wait for lockdep to see it. */
static void lock_order(void)
{
	mutex_lock(&lock_a);
	mutex_lock(&lock_b);
	mutex_unlock(&lock_b);
	mutex_unlock(&lock_a);

	mutex_lock(&lock_b);
	mutex_lock(&lock_a);
	mutex_unlock(&lock_a);
	mutex_unlock(&lock_b);
}

static void sleep_in_atomic(void)
{
	spin_lock(&spin);
	msleep(1);
	spin_unlock(&spin);
}

static void rcu_usage(void)
{
	int *value = rcu_dereference(protected);

	OPTIMIZER_HIDE_VAR(value);
}

static void leak(void)
{
	int i;

	/*
	 * Many: kmemleak takes stale copies of an address for references, and the allocator's
	 * own per-CPU arrays keep those of the latest few dozen objects.
	 */
	for (i = 0; i < 512; i++) {
		void *bytes = kmalloc(512, GFP_KERNEL);

		OPTIMIZER_HIDE_VAR(bytes);
	}
}

static void list_add_twice(void)
{
	static LIST_HEAD(entry);

	list_add(&entry, &list);
	list_add(&entry, &list);
}

static void refcount(void)
{
	static refcount_t count = REFCOUNT_INIT(1);

	refcount_dec(&count);
	refcount_inc(&count);
}

struct timed {
	struct timer_list timer;
};

static void on_timer(struct timer_list *timer)
{
}

static void free_active_timer(void)
{
	struct timed *timed = kzalloc(sizeof(*timed), GFP_KERNEL);

	if (!timed)
		return;
	timer_setup(&timed->timer, on_timer, 0);
	mod_timer(&timed->timer, jiffies + 3600 * HZ);
	kfree(timed);
}

static void shift(void)
{
	int by = 40, value = 1;

	OPTIMIZER_HIDE_VAR(by);
	value <<= by;
	OPTIMIZER_HIDE_VAR(value);
}

static int hung_thread(void *unused)
{
	mutex_lock(&lock_a);
	mutex_unlock(&lock_a);
	return 0;
}

static void hung_task(void)
{
	mutex_lock(&lock_a);
	kthread_run(hung_thread, NULL, "planted");
	msleep(130 * 1000);
	mutex_unlock(&lock_a);
}

static void stall(void)
{
	int i;

	preempt_disable();
	for (i = 0; i < 45 * 1000; i++)
		udelay(1000);
	preempt_enable();
}

static void warn(void)
{
	WARN(1, "planted\n");
}

static void oops(void)
{
	int *nowhere = NULL;

	OPTIMIZER_HIDE_VAR(nowhere);
	WRITE_ONCE(*nowhere, 1);
}

static void none(void)
{
}

static const struct {
	const char *name;
	void (*commit)(void);
} bugs[] = {
	{ "none", none },
	{ "use_after_free", use_after_free },
	{ "out_of_bounds", out_of_bounds },
	{ "lock_order", lock_order },
	{ "sleep_in_atomic", sleep_in_atomic },
	{ "rcu_usage", rcu_usage },
	{ "leak", leak },
	{ "list_add_twice", list_add_twice },
	{ "refcount", refcount },
	{ "free_active_timer", free_active_timer },
	{ "shift", shift },
	{ "hung_task", hung_task },
	{ "stall", stall },
	{ "warn", warn },
	{ "oops", oops },
};

static int __init planted_init(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(bugs); i++) {
		if (!strcmp(bug, bugs[i].name)) {
			bugs[i].commit();
			return 0;
		}
	}
	pr_err("planted: no bug named %s\n", bug);
	return -EINVAL;
}

static void __exit planted_exit(void)
{
}

module_init(planted_init);
module_exit(planted_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Bugs, to see that they are caught");
