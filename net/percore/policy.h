/* SPDX-License-Identifier: GPL-2.0 */
/*
 * policy.h - how long a connection is its core's alone, and what a guess costs
 *
 * Arithmetic without sockets, locks and clocks: shard.c, home.c and accept.c
 * act on it, policy_test.c tests it.
 */
#ifndef _NET_PERCORE_POLICY_H
#define _NET_PERCORE_POLICY_H

#include <linux/minmax.h>
#include <linux/types.h>

/* What a guess costs that was never wrong, and one that always is */
#define PERCORE_HOME_PRICE	4
#define PERCORE_BELL_PRICE	2
#define PERCORE_PRICE_MAX	4096

/* A guess that was right so many times was good, whatever came then */
#define PERCORE_RIGHT		1024

/* One look in so many goes to the pool first */
#define PERCORE_POOL_TURN	4

/**
 * struct percore_age - how long the connections of a shard have waited
 * @depth: how many wait
 * @queued: how many were ever put in; wraps
 * @mark: @queued at the last mark
 * @mark_taken: how many had left by then; wraps
 *
 * They leave in the order in which they came, save that all may leave at once.
 * So those up to the mark that are still there have waited since then.
 */
struct percore_age {
	u32 depth;
	u32 queued;
	u32 mark;
	u32 mark_taken;
};

/**
 * percore_age_put - a connection was put in
 * @age: of the shard
 */
static inline void percore_age_put(struct percore_age *age)
{
	age->depth++;
	age->queued++;
}

/**
 * percore_age_take - the oldest connection has left
 * @age: of the shard, which holds one
 */
static inline void percore_age_take(struct percore_age *age)
{
	age->depth--;
}

/**
 * percore_age_taken - how many connections ever left
 * @age: of the shard
 * Return: the number; wraps.
 */
static inline u32 percore_age_taken(const struct percore_age *age)
{
	return age->queued - age->depth;
}

/**
 * percore_age_mark - a period begins
 * @age: of the shard
 */
static inline void percore_age_mark(struct percore_age *age)
{
	age->mark = age->queued;
	age->mark_taken = percore_age_taken(age);
}

/**
 * percore_age_due - how many have waited since the mark: these are anybody's
 * @age: of the shard
 * Return: the number, at most the shard's depth.
 */
static inline u32 percore_age_due(const struct percore_age *age)
{
	s32 due = age->mark - percore_age_taken(age);

	return max(due, 0);
}

/**
 * percore_age_untouched - has nobody taken a connection since the mark?
 * @age: of the shard
 * Return: whether.
 */
static inline bool percore_age_untouched(const struct percore_age *age)
{
	return percore_age_taken(age) == age->mark_taken;
}

/**
 * percore_price - what the next guess costs, after a wrong one
 * @price: what the wrong one cost
 * @least: what a good one costs
 * @right: how many times it was right before
 * Return: how many times in a row the next must prove right to be believed.
 */
static inline unsigned int percore_price(unsigned int price, unsigned int least,
					 unsigned long right)
{
	if (right >= PERCORE_RIGHT)
		return least;
	return min_t(unsigned int, 2 * price, PERCORE_PRICE_MAX);
}

/**
 * percore_pool_first - does a worker look into the pool before its shard?
 * @taken: connections of its core that it took so far
 * Return: now and then, lest the pool starve beside a shard never empty.
 */
static inline bool percore_pool_first(unsigned long taken)
{
	return taken % PERCORE_POOL_TURN == 0;
}

#endif /* _NET_PERCORE_POLICY_H */
