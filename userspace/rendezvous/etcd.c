// SPDX-License-Identifier: GPL-2.0-or-later
/* weft-rendezvous-etcd: weft's rendezvous in an etcd, by its HTTP/JSON gateway. See its manual page. */
#include <curl/curl.h>
#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "helper_io.h"

#define MAX_ENDPOINTS 16
/* So many values are asked for, and an answer with them is far shorter than this. */
#define MAX_VALUES 256
#define MAX_ANSWER (1UL << 20)
/* Of each endpoint; all of them together are to be faster than weftd is patient. */
#define CONNECT_SECONDS 3L
#define REQUEST_SECONDS 8L
#define ALL_SECONDS 40
#define MAX_PREFIX 128

/**
 * struct store - the etcd
 * @curl:	for all requests; it keeps connections open
 * @headers:	of each
 * @endpoints:	URLs
 * @count:	of @endpoints
 * @used:	the one that answered last
 * @prefix:	of all keys
 * @cacert, @cert, @key: files, or NULL
 */
struct store {
	CURL *curl;
	struct curl_slist *headers;
	const char *endpoints[MAX_ENDPOINTS];
	unsigned int count;
	unsigned int used;
	const char *prefix;
	const char *cacert;
	const char *cert;
	const char *key;
};

/* What is published: where, within the key, so that it is replaced and others' stay. */
struct place {
	uint8_t key[KEY_BYTES];
	uint8_t name[8];
};

struct answer {
	char *text;
	size_t len;
};

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void to_base64(char *text, const uint8_t *bytes, size_t size)
{
	size_t i;

	for (i = 0; i < size; i += 3) {
		uint32_t three = bytes[i] << 16 | (i + 1 < size ? bytes[i + 1] << 8 : 0) |
				 (i + 2 < size ? bytes[i + 2] : 0);

		*text++ = base64_digits[three >> 18];
		*text++ = base64_digits[three >> 12 & 63];
		*text++ = i + 1 < size ? base64_digits[three >> 6 & 63] : '=';
		*text++ = i + 2 < size ? base64_digits[three & 63] : '=';
	}
	*text = 0;
}

/* Exactly @size bytes. */
static bool from_base64(uint8_t *bytes, size_t size, const char *text)
{
	size_t len = strlen(text), i, n = 0;
	uint32_t bits = 0;
	const char *digit;

	if (len != (size + 2) / 3 * 4)
		return false;
	for (i = 0; i < len; i++) {
		digit = text[i] == '=' ? base64_digits : strchr(base64_digits, text[i]);
		if (!digit)
			return false;
		bits = bits << 6 | (uint32_t)(digit - base64_digits);
		if (i % 4 != 3)
			continue;
		for (int shift = 16; shift >= 0 && n < size; shift -= 8)
			bytes[n++] = bits >> shift;
	}
	return true;
}

static size_t on_answer(char *bytes, size_t one, size_t n, void *arg)
{
	struct answer *answer = arg;
	char *text;

	(void)one;
	if (n > MAX_ANSWER - answer->len)
		return 0;
	text = realloc(answer->text, answer->len + n + 1);
	if (!text)
		return 0;
	memcpy(text + answer->len, bytes, n);
	answer->text = text;
	answer->len += n;
	text[answer->len] = 0;
	return n;
}

/* One request to one endpoint; NULL: *why says so. */
static json_object *ask_one(struct store *store, const char *endpoint, const char *path,
			    const char *body, char why[CURL_ERROR_SIZE])
{
	struct answer answer = { .text = NULL };
	json_object *value = NULL;
	char url[512];
	CURLcode code;
	long status = 0;

	snprintf(url, sizeof(url), "%s%s", endpoint, path);
	*why = 0;
	curl_easy_setopt(store->curl, CURLOPT_URL, url);
	curl_easy_setopt(store->curl, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(store->curl, CURLOPT_WRITEDATA, &answer);
	curl_easy_setopt(store->curl, CURLOPT_ERRORBUFFER, why);
	code = curl_easy_perform(store->curl);
	curl_easy_getinfo(store->curl, CURLINFO_RESPONSE_CODE, &status);
	if (code != CURLE_OK && !*why)
		snprintf(why, CURL_ERROR_SIZE, "%s", curl_easy_strerror(code));
	if (code == CURLE_OK && status != 200)
		snprintf(why, CURL_ERROR_SIZE, "it answers with status %ld", status);
	if (code == CURLE_OK && status == 200) {
		value = answer.text ? json_tokener_parse(answer.text) : NULL;
		if (!json_object_is_type(value, json_type_object)) {
			json_object_put(value);
			value = NULL;
			snprintf(why, CURL_ERROR_SIZE, "it answers what is no JSON");
		}
	}
	free(answer.text);
	return value;
}

/* Of whichever endpoint answers, the one that did last first. Takes @request. NULL is told. */
static json_object *ask(struct store *store, const char *path, json_object *request)
{
	const char *body = json_object_to_json_string_ext(request, JSON_C_TO_STRING_PLAIN);
	unsigned int i, at = store->used, most = ALL_SECONDS / REQUEST_SECONDS;
	char why[CURL_ERROR_SIZE];
	json_object *answer = NULL;

	for (i = 0; !answer && i < store->count && i < most; i++) {
		at = (store->used + i) % store->count;
		answer = ask_one(store, store->endpoints[at], path, body, why);
	}
	if (answer) {
		store->used = at;
	} else {
		say_trouble("%.48s: %.70s", store->endpoints[at], why);
		/* others have their turn */
		store->used = (store->used + i) % store->count;
	}
	json_object_put(request);
	return answer;
}

static void add_text(json_object *to, const char *name, const char *text)
{
	json_object_object_add(to, name, json_object_new_string(text));
}

static void add_key(json_object *to, const char *name, const char *key)
{
	char text[2 * (MAX_PREFIX + 100)];

	to_base64(text, (const uint8_t *)key, strlen(key));
	add_text(to, name, text);
}

/* A lease: what it holds goes with it. 0: there is none. */
static int64_t grant(struct store *store, unsigned int seconds)
{
	json_object *request = json_object_new_object(), *answer, *id;
	long long lease = 0;

	json_object_object_add(request, "TTL", json_object_new_int64(seconds));
	answer = ask(store, "/v3/lease/grant", request);
	/* a number of 64 bits, as text, so that nobody's JSON rounds it */
	if (json_object_object_get_ex(answer, "ID", &id) &&
	    json_object_is_type(id, json_type_string))
		lease = strtoll(json_object_get_string(id), NULL, 10);
	if (answer && !lease)
		say_trouble("%.48s: it grants no lease", store->endpoints[store->used]);
	json_object_put(answer);
	return lease;
}

static void key_text(char key[MAX_PREFIX + 100], const struct store *store,
		     const uint8_t bytes[KEY_BYTES])
{
	char hex[2 * KEY_BYTES + 1];

	to_hex(hex, bytes, KEY_BYTES);
	snprintf(key, MAX_PREFIX + 100, "%s%s/", store->prefix, hex);
}

static bool put(struct store *store, const struct place *place, const uint8_t value[VALUE_BYTES],
		int64_t lease)
{
	json_object *request = json_object_new_object(), *answer;
	char text[2 * VALUE_BYTES], key[MAX_PREFIX + 100], number[32];

	key_text(key, store, place->key);
	to_hex(key + strlen(key), place->name, sizeof(place->name));
	add_key(request, "key", key);
	to_base64(text, value, VALUE_BYTES);
	add_text(request, "value", text);
	snprintf(number, sizeof(number), "%lld", (long long)lease);
	add_text(request, "lease", number);
	answer = ask(store, "/v3/kv/put", request);
	json_object_put(answer);
	return answer;
}

static void publish(struct store *store, struct place *place, const struct request *request)
{
	int64_t lease;

	/* a name for this day alone: the same one tomorrow would tell that we are the same */
	if (memcmp(place->key, request->key, KEY_BYTES)) {
		if (getrandom(place->name, sizeof(place->name), 0) != sizeof(place->name))
			return;
		memcpy(place->key, request->key, KEY_BYTES);
	}
	lease = grant(store, request->seconds);
	if (!lease || !put(store, place, request->value, lease))
		return;
	say_trouble("%s", "");
	say_published(request->key);
}

static void say_values(uint32_t number, json_object *list)
{
	size_t i, count = json_object_array_length(list);
	uint8_t value[VALUE_BYTES];
	json_object *text;

	for (i = 0; i < count && i < MAX_VALUES; i++) {
		if (json_object_object_get_ex(json_object_array_get_idx(list, i), "value", &text) &&
		    json_object_is_type(text, json_type_string) &&
		    from_base64(value, VALUE_BYTES, json_object_get_string(text)))
			say_found(number, value);
	}
}

/* All that is below the key: up to where the slash at its end would be the next character. */
static void look_up(struct store *store, const struct request *request)
{
	json_object *asked = json_object_new_object(), *answer, *list;
	char key[MAX_PREFIX + 100];

	key_text(key, store, request->key);
	add_key(asked, "key", key);
	key[strlen(key) - 1]++;
	add_key(asked, "range_end", key);
	json_object_object_add(asked, "limit", json_object_new_int(MAX_VALUES));
	answer = ask(store, "/v3/kv/range", asked);
	if (answer) {
		say_trouble("%s", "");
		if (json_object_object_get_ex(answer, "kvs", &list) &&
		    json_object_is_type(list, json_type_array))
			say_values(request->number, list);
	}
	json_object_put(answer);
	say_done(request->number);
}

static void serve(struct store *store)
{
	static struct requests requests;
	struct place place = { .name = { 0 } };
	struct request request;

	while (requests_read(&requests)) {
		while (requests_next(&requests, &request)) {
			if (request.type == REQUEST_PUBLISH)
				publish(store, &place, &request);
			else if (request.type == REQUEST_LOOKUP)
				look_up(store, &request);
		}
	}
}

static bool set_up(struct store *store)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	store->curl = curl_easy_init();
	store->headers = curl_slist_append(NULL, "Content-Type: application/json");
	if (!store->curl || !store->headers)
		return false;
	curl_easy_setopt(store->curl, CURLOPT_HTTPHEADER, store->headers);
	curl_easy_setopt(store->curl, CURLOPT_WRITEFUNCTION, on_answer);
	curl_easy_setopt(store->curl, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
	curl_easy_setopt(store->curl, CURLOPT_TIMEOUT, REQUEST_SECONDS);
	curl_easy_setopt(store->curl, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(store->curl, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(store->curl, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
	if (store->cacert)
		curl_easy_setopt(store->curl, CURLOPT_CAINFO, store->cacert);
	if (store->cert)
		curl_easy_setopt(store->curl, CURLOPT_SSLCERT, store->cert);
	if (store->key)
		curl_easy_setopt(store->curl, CURLOPT_SSLKEY, store->key);
	return true;
}

static void usage(FILE *to)
{
	fputs("Usage: weft-rendezvous-etcd --endpoint URL... [--prefix TEXT] [--cacert FILE]\n"
	      "                            [--cert FILE --key FILE]\n\n"
	      "It is started by weftd: weft up --rendezvous 'weft-rendezvous-etcd ...'\n"
	      "All about it: man 8 weft-rendezvous-etcd.\n", to);
}

static bool add_endpoint(struct store *store, char *url)
{
	size_t len = strlen(url);

	if ((strncmp(url, "http://", 7) && strncmp(url, "https://", 8)) || len > 400 ||
	    store->count == MAX_ENDPOINTS)
		return false;
	while (len && url[len - 1] == '/')
		url[--len] = 0;
	store->endpoints[store->count++] = url;
	return true;
}

/* -1: go on; else the exit code. */
static int parse(struct store *store, int argc, char **argv)
{
	static const struct option known[] = {
		{ "endpoint", required_argument, NULL, 'e' },
		{ "prefix", required_argument, NULL, 'p' },
		{ "cacert", required_argument, NULL, 'a' },
		{ "cert", required_argument, NULL, 'c' },
		{ "key", required_argument, NULL, 'k' },
		{ "help", no_argument, NULL, 'h' }, { 0 },
	};
	bool good = true;
	int option;

	while (good && (option = getopt_long(argc, argv, "h", known, NULL)) != -1) {
		switch (option) {
		case 'e':
			good = add_endpoint(store, optarg);
			break;
		case 'p':
			store->prefix = optarg;
			good = strlen(optarg) <= MAX_PREFIX;
			break;
		case 'a':
			store->cacert = optarg;
			break;
		case 'c':
			store->cert = optarg;
			break;
		case 'k':
			store->key = optarg;
			break;
		case 'h':
			usage(stdout);
			return EXIT_SUCCESS;
		default:
			good = false;
		}
	}
	if (good && optind == argc && store->count && !store->cert == !store->key)
		return -1;
	usage(stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct store store = { .prefix = "weft/" };
	int code = parse(&store, argc, argv);

	if (code >= 0)
		return code;
	if (!set_up(&store)) {
		fputs("libcurl does not start\n", stderr);
		return EXIT_FAILURE;
	}
	serve(&store);
	return EXIT_SUCCESS;
}
