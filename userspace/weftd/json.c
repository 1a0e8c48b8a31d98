// SPDX-License-Identifier: GPL-2.0-or-later
#include <limits.h>
#include <string.h>

#include "json.h"

/* Deeper than anything that is asked for here or answered: the routes granted to a member are 9 deep. */
#define MAX_DEPTH 16

json_object *json_read(const char *text, size_t len)
{
	json_tokener *tokener;
	json_object *value;
	bool whole;

	if (len >= INT_MAX || memchr(text, 0, len))
		return NULL;
	tokener = json_tokener_new_ex(MAX_DEPTH);
	if (!tokener)
		return NULL;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	value = json_tokener_parse_ex(tokener, text, len);
	/* a number could go on; nothing that is read here is one */
	whole = value && json_tokener_get_error(tokener) == json_tokener_success;
	for (size_t end = json_tokener_get_parse_end(tokener); whole && end < len; end++)
		whole = strchr(" \t\r\n", text[end]);
	json_tokener_free(tokener);
	if (whole)
		return value;
	json_object_put(value);
	return NULL;
}

static json_object *get(json_object *from, const char *name, json_type type)
{
	json_object *value;

	if (!json_object_is_type(from, json_type_object) ||
	    !json_object_object_get_ex(from, name, &value) || !json_object_is_type(value, type))
		return NULL;
	return value;
}

static const char *text_of(json_object *value)
{
	const char *text;

	if (!json_object_is_type(value, json_type_string))
		return NULL;
	text = json_object_get_string(value);
	/* a zero byte in it would hide what follows */
	return strlen(text) == (size_t)json_object_get_string_len(value) ? text : NULL;
}

const char *json_text(json_object *from, const char *name)
{
	json_object *value = get(from, name, json_type_string);

	return value ? text_of(value) : NULL;
}

uint64_t json_number(json_object *from, const char *name, uint64_t otherwise)
{
	json_object *value = get(from, name, json_type_int);

	return value && json_object_get_int64(value) >= 0 ?
		       (uint64_t)json_object_get_int64(value) : otherwise;
}

bool json_flag(json_object *from, const char *name, bool otherwise)
{
	json_object *value = get(from, name, json_type_boolean);

	return value ? json_object_get_boolean(value) : otherwise;
}

size_t json_length(json_object *from, const char *name)
{
	json_object *value = get(from, name, json_type_array);

	return value ? json_object_array_length(value) : 0;
}

const char *json_text_at(json_object *from, const char *name, size_t n)
{
	json_object *value = get(from, name, json_type_array);

	return value && n < json_object_array_length(value) ?
		       text_of(json_object_array_get_idx(value, n)) : NULL;
}

bool json_has(json_object *from, const char *name)
{
	return json_object_is_type(from, json_type_object) &&
	       json_object_object_get_ex(from, name, NULL);
}

void json_put_text(json_object *to, const char *name, const char *value)
{
	json_object_object_add(to, name, value ? json_object_new_string(value) : NULL);
}

void json_put_number(json_object *to, const char *name, uint64_t value)
{
	json_object_object_add(to, name, json_object_new_int64(value));
}

void json_put_flag(json_object *to, const char *name, bool value)
{
	json_object_object_add(to, name, json_object_new_boolean(value));
}

void json_put_null(json_object *to, const char *name)
{
	json_object_object_add(to, name, NULL);
}

void json_append_text(json_object *list, const char *value)
{
	json_object_array_add(list, json_object_new_string(value));
}
