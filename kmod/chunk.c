// SPDX-License-Identifier: GPL-2.0
/*
 * Pages that messages are sealed or opened to.
 *
 * They leave as fragments of packets, for whoever lets go of them last. A page
 * out of the allocator is zeroed first, where the kernel is told to, and every
 * byte of it that is looked at is written once more by us. So full chunks are
 * kept an eye on, as drivers do with their receive buffers: one that nobody
 * but us refers to any more is as good as new.
 */

#include "chunk.h"

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/page_ref.h>

#include "queue.h"

/* A chunk has this many pages, if there are any. */
#define CHUNK_ORDER 3

/**
 * weft_chunks_alloc() - for a new device
 *
 * Return: no chunks yet, or NULL.
 */
struct weft_chunks __percpu *weft_chunks_alloc(void)
{
	return alloc_percpu(struct weft_chunks);
}

static void ring_free(struct weft_chunk_ring *ring)
{
	unsigned int i;

	for (i = 0; i < WEFT_CHUNKS_KEPT; i++)
		if (ring->pages[i])
			put_page(ring->pages[i]);
}

/**
 * weft_chunks_free() - let go of all chunks
 * @chunks: nobody asks for any more
 *
 * Those in packets live on with them.
 */
void weft_chunks_free(struct weft_chunks __percpu *chunks)
{
	unsigned int i;
	int cpu;

	for_each_possible_cpu(cpu) {
		for (i = 0; i < ARRAY_SIZE(chunks->rings); i++)
			ring_free(&per_cpu_ptr(chunks, cpu)->rings[i]);
		if (per_cpu_ptr(chunks, cpu)->open)
			put_page(per_cpu_ptr(chunks, cpu)->open);
	}
	free_percpu(chunks);
}

/*
 * The oldest chunk if it has come back; else it is given up. Only pointers are
 * moved while this CPU is held, as nothing else keeps others out where bottom
 * halves are threads.
 */
static struct page *reuse(struct weft_chunks __percpu *chunks,
			  unsigned int which)
{
	struct weft_chunk_ring *ring;
	struct page **place, *page;
	bool ours;

	ring = &get_cpu_ptr(chunks)->rings[which];
	place = &ring->pages[ring->next];
	page = *place;
	/* What others read of it was before they let go of it. */
	ours = page && page_ref_count(page) == 1;
	if (ours) {
		get_page(page);
		ring->next = (ring->next + 1) % WEFT_CHUNKS_KEPT;
	} else {
		*place = NULL;
	}
	put_cpu_ptr(chunks);
	if (ours || !page)
		return ours ? page : NULL;
	put_page(page);
	return NULL;
}

static void keep(struct weft_chunks __percpu *chunks, unsigned int which,
		 struct page *page)
{
	struct weft_chunk_ring *ring;

	ring = &get_cpu_ptr(chunks)->rings[which];
	/* Not where this is another CPU than before. */
	if (!ring->pages[ring->next]) {
		get_page(page);
		ring->pages[ring->next] = page;
		ring->next = (ring->next + 1) % WEFT_CHUNKS_KEPT;
	}
	put_cpu_ptr(chunks);
}

/* As much as is wanted, or less if there is no such memory at once. */
static struct page *allocate(unsigned int least, unsigned int order)
{
	gfp_t gfp = GFP_ATOMIC | __GFP_COMP | __GFP_NOWARN;
	struct page *page;

	for (; order > least; order--) {
		page = alloc_pages(gfp | __GFP_NORETRY | __GFP_NOMEMALLOC,
				   order);
		if (page)
			return page;
	}
	return alloc_pages(gfp, least);
}

/**
 * weft_chunk_get() - pages to write messages to
 * @chunks: of the device
 * @which: enum weft_direction
 * @least: bytes that have to fit
 * @wanted: bytes that would be of use
 *
 * Context: bottom halves disabled.
 * Return: a compound page, whose content is not known, with a reference for the
 * caller; page_size() tells how much it is. NULL if memory is short.
 */
struct page *weft_chunk_get(struct weft_chunks __percpu *chunks,
			    unsigned int which, unsigned int least,
			    unsigned int wanted)
{
	unsigned int least_order = get_order(least);
	unsigned int order = min_t(unsigned int, get_order(wanted), CHUNK_ORDER);
	struct page *page;

	/* Small ones would be charged to their packets as if they were large. */
	if (order != CHUNK_ORDER || least_order > CHUNK_ORDER)
		return allocate(least_order, max(order, least_order));
	page = reuse(chunks, which);
	if (page)
		return page;
	page = allocate(least_order, order);
	if (page && compound_order(page) == CHUNK_ORDER)
		keep(chunks, which, page);
	return page;
}

/* Of the chunk that is open, if there is so much left of it. */
static struct page *take_piece(struct weft_chunks __percpu *chunks,
			       unsigned int len, unsigned int *offset)
{
	struct weft_chunks *own = get_cpu_ptr(chunks);
	struct page *page = own->open;

	if (page && own->used + len <= page_size(page)) {
		get_page(page);
		*offset = own->used;
		own->used = ALIGN(own->used + len, SMP_CACHE_BYTES);
	} else {
		page = NULL;
	}
	put_cpu_ptr(chunks);
	return page;
}

/* Further pieces are of this chunk, from @used on. */
static void open_chunk(struct weft_chunks __percpu *chunks, struct page *page,
		       unsigned int used)
{
	struct weft_chunks *own;
	struct page *old;

	get_page(page);
	own = get_cpu_ptr(chunks);
	old = own->open;
	own->open = page;
	own->used = ALIGN(used, SMP_CACHE_BYTES);
	put_cpu_ptr(chunks);
	if (old)
		put_page(old);
}

/**
 * weft_chunk_piece() - a part of a chunk to write few messages to, to be sent
 * @chunks: of the device
 * @least: bytes that have to fit
 * @len: bytes that would be of use; on return, those there are
 * @offset: on return, where they begin
 *
 * Context: bottom halves disabled.
 * Return: a page as from weft_chunk_get(); others have other parts of it.
 */
struct page *weft_chunk_piece(struct weft_chunks __percpu *chunks,
			      unsigned int least, unsigned int *len,
			      unsigned int *offset)
{
	struct page *page;

	*len = max(least, min_t(unsigned int, *len, PAGE_SIZE << CHUNK_ORDER));
	page = take_piece(chunks, *len, offset);
	if (page)
		return page;
	page = weft_chunk_get(chunks, WEFT_TX, least, PAGE_SIZE << CHUNK_ORDER);
	if (unlikely(!page))
		return NULL;
	*offset = 0;
	*len = min_t(unsigned int, *len, page_size(page));
	open_chunk(chunks, page, *len);
	return page;
}
