// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libnss_weft.so.2: members' names for every program that uses the C library. What the functions get
 * and give is the C library's interface ("Extending NSS" in its manual): errno and h_errno by pointer,
 * everything in the caller's buffer.
 *
 * It runs inside of programs that know nothing of it: no state, no thread, no descriptor kept, no
 * message. It asks no daemon, because a name service that can hang hangs everything.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "names_file.h"
#include "nss_weft.h"

#define EXPORT __attribute__((visibility("default")))
#define MAX_FILE (64 << 20)
/* A network gives a member one of each family. */
#define MAX_ADDRESSES 2

struct names {
	char *text;
	size_t len;
};

/* Part of a caller's buffer. */
struct room {
	char *at;
	size_t left;
};

static enum nss_status fail(enum nss_status status, int error, int host_error, int *errnop,
			    int *h_errnop)
{
	*errnop = error;
	*h_errnop = host_error;
	return status;
}

static enum nss_status no_room(int *errnop, int *h_errnop)
{
	return fail(NSS_STATUS_TRYAGAIN, ERANGE, NETDB_INTERNAL, errnop, h_errnop);
}

static enum nss_status not_found(int *errnop, int *h_errnop)
{
	return fail(NSS_STATUS_NOTFOUND, ENOENT, HOST_NOT_FOUND, errnop, h_errnop);
}

static int map_names(int fd, struct names *names)
{
	struct stat st;

	if (fstat(fd, &st))
		return errno;
	if (!S_ISREG(st.st_mode) || st.st_size < (off_t)strlen(NAMES_MAGIC) ||
	    st.st_size > MAX_FILE)
		return EINVAL;
	names->len = st.st_size;
	names->text = mmap(NULL, names->len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (names->text == MAP_FAILED)
		return errno;
	if (!memcmp(names->text, NAMES_MAGIC, strlen(NAMES_MAGIC)))
		return 0;
	munmap(names->text, names->len);
	return EINVAL;
}

/* The file is never written to, only replaced, so that it does not change while it is looked at. */
static int open_names(struct names *names)
{
	int fd = open(NAMES_FILE, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int error;

	if (fd < 0)
		return errno;
	error = map_names(fd, names);
	close(fd);
	return error;
}

static void close_names(struct names *names)
{
	munmap(names->text, names->len);
}

static bool find_host(const char *host, int family, struct names_entry *found)
{
	const char *at, *end;
	struct names names;
	bool is_found = false;

	if (open_names(&names))
		return false;
	at = names.text;
	end = names.text + names.len;
	while (!is_found && names_next(&at, end, found))
		is_found = names_match(found, host) && (family != AF_INET || found->has_ipv4) &&
			   (family != AF_INET6 || found->has_ipv6);
	close_names(&names);
	return is_found;
}

static bool find_address(int family, const void *address, struct names_entry *found)
{
	const char *at, *end;
	struct names names;
	bool is_found = false;

	if (open_names(&names))
		return false;
	at = names.text;
	end = names.text + names.len;
	while (!is_found && names_next(&at, end, found))
		is_found = names_match_address(found, family, address);
	close_names(&names);
	return is_found;
}

/* Zeroed, aligned for anything; NULL if there is no room. */
static void *take(struct room *room, size_t size)
{
	size_t gap = -(uintptr_t)room->at % _Alignof(max_align_t);
	void *taken = room->at + gap;

	if (room->left < gap || room->left - gap < size)
		return NULL;
	room->at += gap + size;
	room->left -= gap + size;
	return memset(taken, 0, size);
}

static char *take_text(struct room *room, const char *text)
{
	char *taken = take(room, strlen(text) + 1);

	return taken ? strcpy(taken, text) : NULL;
}

static size_t address_size(int family)
{
	return family == AF_INET6 ? sizeof(struct in6_addr) : sizeof(struct in_addr);
}

static bool fill_host(struct hostent *host, const struct names_entry *entry, int family,
		      struct room *room)
{
	size_t size = address_size(family);

	host->h_name = take_text(room, entry->name);
	host->h_aliases = take(room, sizeof(char *));
	host->h_addr_list = take(room, 2 * sizeof(char *));
	if (!host->h_name || !host->h_aliases || !host->h_addr_list)
		return false;
	host->h_addrtype = family;
	host->h_length = size;
	host->h_addr_list[0] = take(room, size);
	if (!host->h_addr_list[0])
		return false;
	memcpy(host->h_addr_list[0],
	       family == AF_INET6 ? (const void *)&entry->ipv6 : (const void *)&entry->ipv4, size);
	return true;
}

static void fill_tuple(struct gaih_addrtuple *tuple, const struct names_entry *entry, int family,
		       char *name)
{
	memset(tuple, 0, sizeof(*tuple));
	tuple->name = name;
	tuple->family = family;
	memcpy(tuple->addr,
	       family == AF_INET6 ? (const void *)&entry->ipv6 : (const void *)&entry->ipv4,
	       address_size(family));
}

/* Both families at once; what getaddrinfo() calls. */
EXPORT enum nss_status _nss_weft_gethostbyname4_r(const char *name, struct gaih_addrtuple **pat,
						  char *buffer, size_t buflen, int *errnop,
						  int *h_errnop, int32_t *ttlp)
{
	struct room room = { buffer, buflen };
	struct gaih_addrtuple *tuples;
	struct names_entry entry;
	unsigned int n = 0;
	char *canonical;

	if (!find_host(name, AF_UNSPEC, &entry) || (!entry.has_ipv6 && !entry.has_ipv4))
		return not_found(errnop, h_errnop);
	canonical = take_text(&room, entry.name);
	tuples = take(&room, MAX_ADDRESSES * sizeof(*tuples));
	if (!canonical || !tuples)
		return no_room(errnop, h_errnop);
	if (entry.has_ipv6)
		fill_tuple(&tuples[n++], &entry, AF_INET6, canonical);
	if (entry.has_ipv4)
		fill_tuple(&tuples[n++], &entry, AF_INET, canonical);
	if (n > 1)
		tuples[0].next = &tuples[1];
	/* the caller may have brought the first one */
	if (*pat)
		**pat = tuples[0];
	else
		*pat = tuples;
	if (ttlp)
		*ttlp = 0;
	return NSS_STATUS_SUCCESS;
}

EXPORT enum nss_status _nss_weft_gethostbyname3_r(const char *name, int family,
						  struct hostent *host, char *buffer,
						  size_t buflen, int *errnop, int *h_errnop,
						  int32_t *ttlp, char **canonp)
{
	struct room room = { buffer, buflen };
	struct names_entry entry;

	if (family == AF_UNSPEC)
		family = AF_INET;
	if (family != AF_INET && family != AF_INET6)
		return fail(NSS_STATUS_UNAVAIL, EAFNOSUPPORT, NO_DATA, errnop, h_errnop);
	if (!find_host(name, family, &entry))
		return not_found(errnop, h_errnop);
	if (!fill_host(host, &entry, family, &room))
		return no_room(errnop, h_errnop);
	if (ttlp)
		*ttlp = 0;
	if (canonp)
		*canonp = host->h_name;
	return NSS_STATUS_SUCCESS;
}

EXPORT enum nss_status _nss_weft_gethostbyname2_r(const char *name, int family,
						  struct hostent *host, char *buffer,
						  size_t buflen, int *errnop, int *h_errnop)
{
	return _nss_weft_gethostbyname3_r(name, family, host, buffer, buflen, errnop, h_errnop,
					  NULL, NULL);
}

EXPORT enum nss_status _nss_weft_gethostbyname_r(const char *name, struct hostent *host,
						 char *buffer, size_t buflen, int *errnop,
						 int *h_errnop)
{
	return _nss_weft_gethostbyname3_r(name, AF_INET, host, buffer, buflen, errnop, h_errnop,
					  NULL, NULL);
}

EXPORT enum nss_status _nss_weft_gethostbyaddr2_r(const void *address, socklen_t len, int family,
						  struct hostent *host, char *buffer,
						  size_t buflen, int *errnop, int *h_errnop,
						  int32_t *ttlp)
{
	struct room room = { buffer, buflen };
	struct names_entry entry;

	if ((family != AF_INET && family != AF_INET6) || len != address_size(family))
		return fail(NSS_STATUS_UNAVAIL, EAFNOSUPPORT, NO_DATA, errnop, h_errnop);
	if (!find_address(family, address, &entry))
		return not_found(errnop, h_errnop);
	if (!fill_host(host, &entry, family, &room))
		return no_room(errnop, h_errnop);
	if (ttlp)
		*ttlp = 0;
	return NSS_STATUS_SUCCESS;
}

EXPORT enum nss_status _nss_weft_gethostbyaddr_r(const void *address, socklen_t len, int family,
						 struct hostent *host, char *buffer,
						 size_t buflen, int *errnop, int *h_errnop)
{
	return _nss_weft_gethostbyaddr2_r(address, len, family, host, buffer, buflen, errnop,
					  h_errnop, NULL);
}
