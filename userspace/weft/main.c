// SPDX-License-Identifier: GPL-2.0-or-later
/* weft: the command line. One file a subcommand; this table knows them all. */
#include <errno.h>
#include <string.h>

#include "weft_tool.h"

#ifndef WEFT_VERSION
#define WEFT_VERSION "unknown"
#endif

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *arguments;
	const char *help;
};

static const struct command low_level[] = {
	{ "show", cmd_show,
	  "{ <interface> | all | interfaces } [public-key | private-key | listen-port | fwmark | "
	  "upcalls | peers | preshared-keys | endpoints | allowed-ips | latest-handshakes | transfer | "
	  "persistent-keepalive | dump] [--json]",
	  "Show the configuration and state of interfaces" },
	{ "showconf", cmd_showconf, "<interface>",
	  "Show the configuration of an interface, as setconf takes it" },
	{ "set", cmd_set,
	  "<interface> [listen-port <port>] [fwmark <mark>] [private-key <file path>] "
	  "[upcalls on|off|<name1>[,<name2>]] "
	  "[peer <base64 public key> [remove] [preshared-key <file path>] [endpoint <ip>:<port>] "
	  "[persistent-keepalive <interval seconds>] [allowed-ips [+|-]<ip1>/<cidr1>"
	  "[,[+|-]<ip2>/<cidr2>]...] [suite auto|chacha20poly1305|aes256gcm] ]...",
	  "Change an interface, and add, change or remove peers" },
	{ "setconf", cmd_setconf, "<interface> <configuration filename>",
	  "Give an interface the configuration of a file" },
	{ "addconf", cmd_addconf, "<interface> <configuration filename>",
	  "Add the configuration of a file to that of an interface" },
	{ "syncconf", cmd_syncconf, "<interface> <configuration filename>",
	  "Change of an interface only what differs from a file" },
	{ "genkey", cmd_genkey, "", "Make a private key and print it" },
	{ "genpsk", cmd_genpsk, "", "Make a preshared key and print it" },
	{ "pubkey", cmd_pubkey, "", "Read a private key from stdin and print its public key" },
};

static const struct section {
	const char *title;
	const struct command *commands;
	size_t n;
} sections[] = {
	{ "Interfaces and keys", low_level, ARRAY_SIZE(low_level) },
};

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(sections); ++i) {
		for (size_t j = 0; j < sections[i].n; ++j) {
			if (!strcmp(sections[i].commands[j].name, name))
				return &sections[i].commands[j];
		}
	}
	return NULL;
}

static void print_usage(FILE *to, const struct command *command)
{
	fprintf(to, "Usage: weft %s%s%s\n", command->name, *command->arguments ? " " : "",
		command->arguments);
}

static void print_help(FILE *to)
{
	fputs("Usage: weft <command> [<arguments>]\n", to);
	for (size_t i = 0; i < ARRAY_SIZE(sections); ++i) {
		fprintf(to, "\n%s:\n", sections[i].title);
		for (size_t j = 0; j < sections[i].n; ++j)
			fprintf(to, "  %-10s %s\n", sections[i].commands[j].name,
				sections[i].commands[j].help);
	}
	fputs("\nWithout a command: show. For one command: weft <command> --help.\n"
	      "All about it: man 8 weft.\n", to);
}

static bool is_help(const char *argument)
{
	return !strcmp(argument, "--help") || !strcmp(argument, "-h");
}

static int run_command(const struct command *command, int argc, char **argv)
{
	int code;

	if (argc == 2 && is_help(argv[1])) {
		print_usage(stdout, command);
		printf("%s.\n", command->help);
		return EXIT_DONE;
	}
	code = command->run(argc, argv);
	if (code == EXIT_USAGE)
		print_usage(stderr, command);
	return code;
}

static int run(int argc, char **argv)
{
	static char show[] = "show", help[] = "--help";
	const struct command *command;

	if (argc < 2)
		return run_command(find_command(show), 1, (char *[]){ show, NULL });
	if (is_help(argv[1]) || (!strcmp(argv[1], "help") && argc == 2)) {
		print_help(stdout);
		return EXIT_DONE;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-v") ||
	    !strcmp(argv[1], "version")) {
		puts("weft " WEFT_VERSION);
		return EXIT_DONE;
	}
	if (!strcmp(argv[1], "help") && argc == 3) {
		command = find_command(argv[2]);
		if (command)
			return run_command(command, 2, (char *[]){ argv[2], help, NULL });
		++argv;
	}
	command = find_command(argv[1]);
	if (!command) {
		complain("unknown command \"%s\"", argv[1]);
		print_help(stderr);
		return EXIT_USAGE;
	}
	return run_command(command, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	int code = run(argc, argv);

	/* A full disk must not look like success: the output may be somebody's key. */
	if (fflush(stdout) || ferror(stdout)) {
		complain("cannot write the output: %s", strerror(errno));
		return code ? code : EXIT_FAILED;
	}
	return code;
}
