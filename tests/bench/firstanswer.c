/*
 * firstanswer: milliseconds from starting scepd to its first answer.
 *
 *	firstanswer SCEPD CONFIGURATION PORT
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "util/clock.h"

#define GIVE_UP_US	10000000

extern char **environ;

/* One GetCACaps on a fresh connection; 0 once there is an answer. */
static int
ask(const struct sockaddr_in *to)
{
	static const char request[] = "GET /scep?operation=GetCACaps "
	    "HTTP/1.0\r\n\r\n";
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), rc = -1;
	char in[64];

	if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) == 0 &&
	    send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) > 0 &&
	    recv(fd, in, sizeof(in), 0) >= 12 &&
	    memcmp(in + 8, " 200", 4) == 0)
		rc = 0;
	(void)close(fd);
	return rc;
}

int
main(int argc, char **argv)
{
	const struct timespec pause = { .tv_nsec = 200000 };
	struct sockaddr_in to = { .sin_family = AF_INET };
	posix_spawn_file_actions_t quiet;
	int64_t began, took;
	char *child[4];
	int status;
	pid_t pid;

	if (argc != 4)
		return 2;
	child[0] = argv[1];
	child[1] = (char[]){ "-c" };
	child[2] = argv[2];
	child[3] = NULL;
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons((uint16_t)strtoul(argv[3], NULL, 10));
	(void)posix_spawn_file_actions_init(&quiet);
	(void)posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null",
	    O_WRONLY, 0);
	began = clock_mono_us();
	if (posix_spawn(&pid, argv[1], &quiet, NULL, child, environ) != 0)
		return 1;
	while (ask(&to) == -1 && clock_mono_us() - began < GIVE_UP_US)
		(void)nanosleep(&pause, NULL);
	took = clock_mono_us() - began;
	(void)kill(pid, SIGTERM);
	(void)waitpid(pid, &status, 0);
	(void)posix_spawn_file_actions_destroy(&quiet);
	(void)printf("%.1f\n", (double)took / 1000);
	return took < GIVE_UP_US ? 0 : 1;
}
