/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the C library looks for in a module "weft"; no header of its own declares it. */
#ifndef WEFT_NSS_H
#define WEFT_NSS_H

#include <netdb.h>
#include <nss.h>
#include <stdint.h>

enum nss_status _nss_weft_gethostbyname4_r(const char *name, struct gaih_addrtuple **pat,
					   char *buffer, size_t buflen, int *errnop,
					   int *h_errnop, int32_t *ttlp);
enum nss_status _nss_weft_gethostbyname3_r(const char *name, int family, struct hostent *host,
					   char *buffer, size_t buflen, int *errnop,
					   int *h_errnop, int32_t *ttlp, char **canonp);
enum nss_status _nss_weft_gethostbyname2_r(const char *name, int family, struct hostent *host,
					   char *buffer, size_t buflen, int *errnop,
					   int *h_errnop);
enum nss_status _nss_weft_gethostbyname_r(const char *name, struct hostent *host, char *buffer,
					  size_t buflen, int *errnop, int *h_errnop);
enum nss_status _nss_weft_gethostbyaddr2_r(const void *address, socklen_t len, int family,
					   struct hostent *host, char *buffer, size_t buflen,
					   int *errnop, int *h_errnop, int32_t *ttlp);
enum nss_status _nss_weft_gethostbyaddr_r(const void *address, socklen_t len, int family,
					  struct hostent *host, char *buffer, size_t buflen,
					  int *errnop, int *h_errnop);

#endif /* WEFT_NSS_H */
