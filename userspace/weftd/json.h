/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Short ways to get values out of JSON, whoever wrote it, and to put them in. */
#ifndef WEFTD_JSON_H
#define WEFTD_JSON_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One whole value and nothing after it, or NULL. */
json_object *json_read(const char *text, size_t len);

/* Of a member: what is not there, or of another type, is NULL or the value given. */
const char *json_text(json_object *from, const char *name);
uint64_t json_number(json_object *from, const char *name, uint64_t otherwise);
bool json_flag(json_object *from, const char *name, bool otherwise);
size_t json_length(json_object *from, const char *name);
const char *json_text_at(json_object *from, const char *name, size_t n);
bool json_has(json_object *from, const char *name);

void json_put_text(json_object *to, const char *name, const char *value);
void json_put_number(json_object *to, const char *name, uint64_t value);
void json_put_flag(json_object *to, const char *name, bool value);
void json_put_null(json_object *to, const char *name);
void json_append_text(json_object *list, const char *value);

#endif /* WEFTD_JSON_H */
