// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../terminal.h"
#include "mesh.h"

int mesh_print_json(json_object *value)
{
	const char *text = json_object_to_json_string_ext(value, JSON_C_TO_STRING_PRETTY |
							  JSON_C_TO_STRING_NOSLASHESCAPE);

	if (!text) {
		complain("no memory");
		return EXIT_FAILED;
	}
	puts(text);
	return EXIT_DONE;
}

void mesh_table_row(struct mesh_table *table, ...)
{
	char *(*cells)[MESH_COLUMNS];
	const char *text;
	va_list args;

	cells = realloc(table->cells, (table->rows + 1) * sizeof(*cells));
	if (!cells)
		return;
	table->cells = cells;
	memset(&cells[table->rows], 0, sizeof(*cells));
	va_start(args, table);
	for (unsigned int i = 0; i < table->columns; ++i) {
		text = va_arg(args, const char *);
		cells[table->rows][i] = strdup(text ? text : "");
	}
	va_end(args);
	++table->rows;
}

static size_t width(const struct mesh_table *table, unsigned int column)
{
	size_t most = 0;

	for (size_t i = 0; i < table->rows; ++i) {
		size_t len = table->cells[i][column] ? strlen(table->cells[i][column]) : 0;

		most = len > most ? len : most;
	}
	return most;
}

void mesh_table_print(struct mesh_table *table)
{
	int widths[MESH_COLUMNS];
	unsigned int last = table->columns - 1;

	for (unsigned int i = 0; i < table->columns; ++i)
		widths[i] = (int)width(table, i);
	for (size_t row = 0; row < table->rows; ++row) {
		if (!row)
			fputs(term(TERM_BOLD), stdout);
		for (unsigned int i = 0; i < last; ++i)
			printf("%-*s  ", widths[i],
			       table->cells[row][i] ? table->cells[row][i] : "");
		printf("%s%s\n", table->cells[row][last] ? table->cells[row][last] : "",
		       row ? "" : term(TERM_RESET));
	}
}

void mesh_table_free(struct mesh_table *table)
{
	for (size_t row = 0; row < table->rows; ++row) {
		for (unsigned int i = 0; i < table->columns; ++i)
			free(table->cells[row][i]);
	}
	free(table->cells);
	table->cells = NULL;
	table->rows = 0;
}

struct mesh_text mesh_bytes(uint64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	double value = (double)bytes;
	struct mesh_text text;
	size_t i = 0;

	while (value >= 1024 && i + 1 < ARRAY_SIZE(units)) {
		value /= 1024;
		++i;
	}
	snprintf(text.text, sizeof(text.text), i ? "%.1f %s" : "%.0f %s", value, units[i]);
	return text;
}

struct mesh_text mesh_time(uint64_t unix_s)
{
	time_t at = (time_t)unix_s;
	struct mesh_text text = { "" };
	struct tm local;

	if (localtime_r(&at, &local))
		strftime(text.text, sizeof(text.text), "%Y-%m-%d %H:%M", &local);
	return text;
}
