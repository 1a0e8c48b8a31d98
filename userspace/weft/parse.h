/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text to values, for arguments and configuration files alike.
 *
 * All return 0 or a negative errno and then say in @problem what was wrong and
 * what is expected. -EINVAL means that the text is wrong; anything else, that
 * something needed for it (a file, a name server) was not to be had.
 */
#ifndef WEFT_PARSE_H
#define WEFT_PARSE_H

#include <stdio.h>
#include <weft/weft.h>

/**
 * struct problem - why something was refused
 * @text: for people; no final dot
 */
struct problem {
	char text[400];
};

/* Sets the text and returns @err, to be returned in turn. */
int problem_set(struct problem *problem, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

int parse_public_key(const char *text, struct weft_key *key, struct problem *problem);
/* Does not repeat the text in the problem. */
int parse_secret_key(const char *text, struct weft_key *key, struct problem *problem);
int parse_port(const char *text, uint16_t *port, struct problem *problem);
int parse_fwmark(const char *text, uint32_t *fwmark, struct problem *problem);
int parse_keepalive(const char *text, uint16_t *seconds, struct problem *problem);
int parse_suite(const char *text, uint32_t *suite, struct problem *problem);
/* off, on for all that there are, or a list of names. */
int parse_upcalls(const char *text, uint32_t *upcalls, struct problem *problem);
/* Resolves names, which may take long. */
int parse_endpoint(const char *text, union weft_endpoint *endpoint, struct problem *problem);
/*
 * A list of addresses with or without prefix length, separated by commas, maybe
 * empty; each one may have a sign, + to add to the peer's present ones or - to
 * take away. Without a sign the list takes the place of the present ones.
 */
int parse_allowed_ips(const char *text, struct weft_peer *peer, struct problem *problem);

/* keyfile.c: the first key of a file; an empty file means all zero, if @may_be_empty. */
int read_key(FILE *file, bool may_be_empty, struct weft_key *key, struct problem *problem);
int read_key_file(const char *path, struct weft_key *key, struct problem *problem);

/* resolve.c: a host's first address; retries what may pass. */
int resolve(const char *host, uint16_t port, union weft_endpoint *endpoint,
	    struct problem *problem);

/* set.c: the arguments of "weft set", interface included. */
int parse_set(int argc, char **argv, struct weft_device **dev, struct problem *problem);

#endif /* WEFT_PARSE_H */
