#include <arpa/inet.h>
#include <netinet/in.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "util/addr.h"

#define NET_LEN		8	/* bytes of a /64 */
#define NET_TEXT	"/64"

static const uint8_t mapped[12] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff
};

/* The text without a "/64" behind it; -1: it is too long for an address. */
static int
cut_net(const char *text, char out[INET6_ADDRSTRLEN])
{
	size_t n = strlen(text), net = strlen(NET_TEXT);

	if (n > net && strchr(text, ':') != NULL &&
	    strcmp(text + n - net, NET_TEXT) == 0)
		n -= net;
	if (n >= INET6_ADDRSTRLEN)
		return -1;
	memcpy(out, text, n);
	out[n] = '\0';
	return 0;
}

int
addr_parse(const char *text, uint8_t out[ADDR_LEN])
{
	char address[INET6_ADDRSTRLEN];
	struct in6_addr in6;
	struct in_addr in;

	if (cut_net(text, address) == -1)
		return -1;
	if (inet_pton(AF_INET, address, &in) == 1) {
		memcpy(out, mapped, sizeof(mapped));
		memcpy(out + sizeof(mapped), &in, sizeof(in));
		return 0;
	}
	if (inet_pton(AF_INET6, address, &in6) != 1)
		return -1;
	memcpy(out, &in6, ADDR_LEN);
	if (!IN6_IS_ADDR_V4MAPPED(&in6))
		memset(out + NET_LEN, 0, ADDR_LEN - NET_LEN);
	return 0;
}

void
addr_text(const uint8_t addr[ADDR_LEN], char out[ADDR_TEXT_MAX])
{
	char text[INET6_ADDRSTRLEN] = "";
	bool v4 = memcmp(addr, mapped, sizeof(mapped)) == 0;

	if (v4)
		(void)inet_ntop(AF_INET, addr + sizeof(mapped), text,
		    sizeof(text));
	else
		(void)inet_ntop(AF_INET6, addr, text, sizeof(text));
	(void)snprintf(out, ADDR_TEXT_MAX, "%s%s", text, v4 ? "" : NET_TEXT);
}
