// SPDX-License-Identifier: GPL-2.0-or-later
/* weft: the command line. One file a subcommand; this table knows them all. */
#include <errno.h>
#include <string.h>

#include "mesh/mesh.h"
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

static const struct command mesh[] = {
	{ "init", cmd_init,
	  "[<network>] [--name <name of this machine>] [--ipv4 <range>|none] [--uses <n>] "
	  "[--expires <time>] [--interface <name>] [--port <port>] [--endpoint <ip>:<port>]... "
	  "[--no-beacons] [--rendezvous <helper and its arguments>] [--qr] [--json]",
	  "Make a network with this machine in it, and invite others" },
	{ "invite", cmd_invite,
	  "[--network <network>] [--uses <n>] [--expires <time>] [--name <name>] "
	  "[--group <group>]... [--route <cidr>]... [--relay] [--member-expires <time>] "
	  "[--no-secret] [--qr] [--json]",
	  "Print a token with which others can join" },
	{ "join", cmd_join,
	  "{ <token> | - } [--network <name for it>] [--name <name of this machine>] "
	  "[--wait <seconds>] [--interface <name>] [--port <port>] [--endpoint <ip>:<port>]... "
	  "[--no-beacons] [--rendezvous <helper and its arguments>] [--json]",
	  "Become a member of a network" },
	{ "leave", cmd_leave, "[<network>] [--force]",
	  "Leave a network, and delete its keys from this machine" },
	{ "up", cmd_up, "[<network>] [--rendezvous <helper and its arguments>|off]",
	  "Bring a network up, now and after each start" },
	{ "down", cmd_down, "[<network>]", "Take a network down, until it is brought up" },
	{ "status", cmd_status, "[<network>] [--json]",
	  "Show the networks, and the way to each member" },
	{ "ping", cmd_ping, "[--network <network>] [-c <count>] [-4] [--json] <member>",
	  "See whether a member answers, and which way" },
	{ "peers", cmd_peers,
	  "[--network <network>] [--json] [list | add-static <name> [<public key>] "
	  "[--via <member>] [--route <cidr>]... [--expires <time>] | add-admin <member> | "
	  "del-admin <member>]",
	  "Show the members; admit stock WireGuard members; make admins" },
	{ "revoke", cmd_revoke, "[--network <network>] [--compromised] [--json] <member>",
	  "Put a member out of the network, for good" },
	{ "route", cmd_route, "[--network <network>] [--json] [list | { add | del } <cidr>...]",
	  "Show or change what networks are reached through members" },
	{ "export", cmd_export, "[--network <network>] [--qr] [--json] <member>",
	  "Print the configuration of a stock WireGuard member" },
	{ "monitor", cmd_monitor, "[<network>] [--json]", "Print what happens, as it happens" },
};

static const struct section {
	const char *title;
	const struct command *commands;
	size_t n;
} sections[] = {
	{ "Networks", mesh, ARRAY_SIZE(mesh) },
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
