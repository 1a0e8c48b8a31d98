// SPDX-License-Identifier: GPL-2.0-or-later
/* QR codes for a camera in front of the screen: two modules a character, one above the other. */
#include <errno.h>
#include <qrencode.h>
#include <string.h>

#include "mesh.h"

/* Cameras want that much of nothing around it. */
#define QUIET 2

static bool is_dark(const QRcode *code, int x, int y)
{
	if (x < 0 || y < 0 || x >= code->width || y >= code->width)
		return false;
	return code->data[y * code->width + x] & 1;
}

/* Dark on light, also on a terminal that is the other way round: the colours are set. */
static void print_rows(const QRcode *code, int y)
{
	fputs("\x1b[30;107m", stdout);
	for (int x = -QUIET; x < code->width + QUIET; ++x) {
		bool upper = is_dark(code, x, y), lower = is_dark(code, x, y + 1);

		fputs(upper && lower ? "\u2588" : upper ? "\u2580" : lower ? "\u2584" : " ", stdout);
	}
	puts("\x1b[0m");
}

int mesh_print_qr(const char *text)
{
	QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);

	if (!code) {
		complain(errno == ERANGE ? "it is too long for a QR code" :
					   "cannot make a QR code");
		return EXIT_FAILED;
	}
	for (int y = -QUIET; y < code->width + QUIET; y += 2)
		print_rows(code, y);
	QRcode_free(code);
	return EXIT_DONE;
}
