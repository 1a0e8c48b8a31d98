// SPDX-License-Identifier: GPL-2.0-or-later
/* The name service module, called as the C library calls it. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "unit.h"

#include "names_file.h"
#include "nss_weft.h"

static const char *const LINES = NAMES_MAGIC
	"anna home fd00::1 10.9.0.1\n"
	"berta home fd00::2 -\n"
	"carl home - 10.9.0.3\n"
	"this line makes no sense\n"
	"bad home fd00::zz 10.9.0.9\n"
	"anna work fd01::1 10.8.0.1\n"
	"dora work fd01::4 -\n"
	"cut work fd01::5 10.8.0.5";

static char path[] = "/tmp/weft-names-XXXXXX";

int __wrap_open(const char *name, int flags, ...);
int __real_open(const char *name, int flags, ...);

int __wrap_open(const char *name, int flags, ...)
{
	return __real_open(strcmp(name, NAMES_FILE) ? name : path, flags);
}

static void publish(const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int begin(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static int end(void **state)
{
	(void)state;
	return unlink(path);
}

/* The addresses of a name, as text, with blanks between; "" if there is none. */
static const char *look_up(const char *name)
{
	static char text[256];
	char buffer[1024], address[INET6_ADDRSTRLEN];
	struct gaih_addrtuple *found = NULL;
	int error = 0, host_error = 0;
	enum nss_status status;

	status = _nss_weft_gethostbyname4_r(name, &found, buffer, sizeof(buffer), &error,
					    &host_error, NULL);
	*text = 0;
	if (status != NSS_STATUS_SUCCESS) {
		assert_int_equal(status, NSS_STATUS_NOTFOUND);
		assert_int_equal(host_error, HOST_NOT_FOUND);
		return text;
	}
	for (; found; found = found->next) {
		inet_ntop(found->family, found->addr, address, sizeof(address));
		strcat(strcat(text, *text ? " " : ""), address);
	}
	return text;
}

static void test_names(void **state)
{
	(void)state;
	publish(LINES);
	assert_string_equal(look_up("anna"), "fd00::1 10.9.0.1");
	assert_string_equal(look_up("ANNA"), "fd00::1 10.9.0.1");
	assert_string_equal(look_up("berta"), "fd00::2");
	assert_string_equal(look_up("carl"), "10.9.0.3");
	assert_string_equal(look_up("anna.home"), "fd00::1 10.9.0.1");
	assert_string_equal(look_up("anna.work"), "fd01::1 10.8.0.1");
	assert_string_equal(look_up("anna.work.weft"), "fd01::1 10.8.0.1");
	assert_string_equal(look_up("dora"), "fd01::4");
}

static void test_no_names(void **state)
{
	static const char *const none[] = { "", "ann", "annaa", "bad", "cut", "this",
		"anna.hom", "anna.home.example", "anna.home.weft.org", "home", "weft", "#", "-" };
	size_t i;

	(void)state;
	publish(LINES);
	for (i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_string_equal(look_up(none[i]), "");
	/* a final dot says only that the name is complete */
	assert_string_equal(look_up("anna."), "fd00::1 10.9.0.1");
	assert_string_equal(look_up("anna.home.weft."), "fd00::1 10.9.0.1");
}

static void test_no_file(void **state)
{
	(void)state;
	publish("");
	assert_string_equal(look_up("anna"), "");
	publish("anna home fd00::1 10.9.0.1\n");
	assert_string_equal(look_up("anna"), "");
	publish(NAMES_MAGIC);
	assert_string_equal(look_up("anna"), "");
	assert_int_equal(unlink(path), 0);
	assert_string_equal(look_up("anna"), "");
	publish(LINES);
}

static void test_families(void **state)
{
	struct hostent host;
	char buffer[512], text[INET6_ADDRSTRLEN];
	int error, host_error;

	(void)state;
	publish(LINES);
	assert_int_equal(_nss_weft_gethostbyname2_r("anna", AF_INET6, &host, buffer, sizeof(buffer),
						    &error, &host_error), NSS_STATUS_SUCCESS);
	assert_string_equal(inet_ntop(AF_INET6, host.h_addr_list[0], text, sizeof(text)), "fd00::1");
	assert_null(host.h_addr_list[1]);
	assert_null(host.h_aliases[0]);
	assert_int_equal(_nss_weft_gethostbyname_r("anna", &host, buffer, sizeof(buffer), &error,
						   &host_error), NSS_STATUS_SUCCESS);
	assert_string_equal(inet_ntop(AF_INET, host.h_addr_list[0], text, sizeof(text)), "10.9.0.1");
	assert_int_equal(_nss_weft_gethostbyname2_r("berta", AF_INET, &host, buffer, sizeof(buffer),
						    &error, &host_error), NSS_STATUS_NOTFOUND);
	assert_int_equal(_nss_weft_gethostbyname2_r("anna", AF_UNIX, &host, buffer, sizeof(buffer),
						    &error, &host_error), NSS_STATUS_UNAVAIL);
}

static void test_addresses(void **state)
{
	struct in6_addr ipv6;
	struct in_addr ipv4;
	struct hostent host;
	char buffer[512];
	int error, host_error;

	(void)state;
	publish(LINES);
	inet_pton(AF_INET6, "fd01::4", &ipv6);
	inet_pton(AF_INET, "10.9.0.3", &ipv4);
	assert_int_equal(_nss_weft_gethostbyaddr_r(&ipv6, sizeof(ipv6), AF_INET6, &host, buffer,
						   sizeof(buffer), &error, &host_error),
			 NSS_STATUS_SUCCESS);
	assert_string_equal(host.h_name, "dora");
	assert_int_equal(_nss_weft_gethostbyaddr_r(&ipv4, sizeof(ipv4), AF_INET, &host, buffer,
						   sizeof(buffer), &error, &host_error),
			 NSS_STATUS_SUCCESS);
	assert_string_equal(host.h_name, "carl");
	assert_int_equal(_nss_weft_gethostbyaddr_r(&ipv4, sizeof(ipv4), AF_INET6, &host, buffer,
						   sizeof(buffer), &error, &host_error),
			 NSS_STATUS_UNAVAIL);
	/* all zero is what an entry without address has */
	memset(&ipv6, 0, sizeof(ipv6));
	assert_int_equal(_nss_weft_gethostbyaddr_r(&ipv6, sizeof(ipv6), AF_INET6, &host, buffer,
						   sizeof(buffer), &error, &host_error),
			 NSS_STATUS_NOTFOUND);
}

/* With any buffer too small the caller is asked for a larger one, and nothing is written beyond. */
static void test_small_buffers(void **state)
{
	struct gaih_addrtuple *found;
	int error, host_error;
	bool enough = false;
	struct hostent host;
	size_t size;
	char *buffer;

	(void)state;
	publish(LINES);
	for (size = 0; size < 512; size++) {
		buffer = malloc(size + 1);
		found = NULL;
		error = 0;
		if (_nss_weft_gethostbyname4_r("anna", &found, buffer, size, &error, &host_error,
					       NULL) == NSS_STATUS_TRYAGAIN)
			assert_int_equal(error, ERANGE);
		if (_nss_weft_gethostbyname_r("anna", &host, buffer, size, &error,
					      &host_error) == NSS_STATUS_SUCCESS)
			enough = true;
		else
			assert_int_equal(error, ERANGE);
		free(buffer);
	}
	assert_true(enough);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_no_names),
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_families),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_small_buffers),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, begin, end);
}
