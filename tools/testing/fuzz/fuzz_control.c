// SPDX-License-Identifier: GPL-2.0
/* What comes over the socket of commands, and what is in a network's configuration file. */
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a file said is said again by the file that is written of it. */
static void read_config(const char *text, size_t len)
{
	struct config config = { .name = "" }, again = { .name = "" };
	char *written;

	if (config_decode(&config, text, len))
		return;
	written = config_encode(&config);
	if (!written || config_decode(&again, written, strlen(written)) ||
	    memcmp(&config, &again, sizeof(config)))
		abort();
	free(written);
}

static void read_request(const char *text, size_t len)
{
	static const char *const names[] = { "command", "network", "name", "routes", "endpoints",
					     "uses", "relay" };
	struct weft_ip_endpoint endpoint;
	struct weft_prefix prefix;
	json_object *request = json_read(text, len);
	const char *value;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		json_number(request, names[i], 0);
		json_flag(request, names[i], false);
		for (size_t n = 0; n < json_length(request, names[i]) + 1; n++) {
			value = json_text_at(request, names[i], n);
			if (value && endpoint_from_text(&endpoint, value) &&
			    strcmp(text_of_endpoint(&endpoint).text, "") == 0)
				abort();
			if (value && prefix_from_text(&prefix, value) && !prefix.size)
				abort();
		}
		value = json_text(request, names[i]);
		if (value && config_interface_valid(value) && strlen(value) >= IFNAMSIZ)
			abort();
	}
	json_object_put(request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_config((const char *)data, size);
	read_request((const char *)data, size);
	return 0;
}
