/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _WEFT_CHUNK_H
#define _WEFT_CHUNK_H

#include <linux/mm_types.h>
#include <linux/percpu.h>

/* Chunks that one CPU keeps for one device and direction. */
#define WEFT_CHUNKS_KEPT 8

/**
 * struct weft_chunk_ring - chunks that were handed out, to be used again
 * @pages: each with a reference of its own, or NULL
 * @next: the oldest
 */
struct weft_chunk_ring {
	struct page *pages[WEFT_CHUNKS_KEPT];
	unsigned int next;
};

/**
 * struct weft_chunks - what one CPU keeps for one device
 * @rings: by enum weft_direction: packets that are sent are gone soon, those
 *	that were received wait for their reader
 * @open: chunk that pieces are taken of, with a reference of its own; or NULL
 * @used: bytes of it that have been taken
 */
struct weft_chunks {
	struct weft_chunk_ring rings[2];
	struct page *open;
	unsigned int used;
};

struct weft_chunks __percpu *weft_chunks_alloc(void);
void weft_chunks_free(struct weft_chunks __percpu *chunks);
struct page *weft_chunk_get(struct weft_chunks __percpu *chunks,
			    unsigned int which, unsigned int least,
			    unsigned int wanted);
struct page *weft_chunk_piece(struct weft_chunks __percpu *chunks,
			      unsigned int least, unsigned int *len,
			      unsigned int *offset);

#endif /* _WEFT_CHUNK_H */
