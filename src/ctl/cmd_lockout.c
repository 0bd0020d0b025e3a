/*
 * scepctl lockout: the addresses that are locked for failed challenges. The
 * daemon looks into the store each second: what is taken out is unlocked.
 */
#include <stdio.h>

#include "ctl/ctl_int.h"
#include "store/lockout.h"
#include "util/addr.h"
#include "util/clock.h"

_Static_assert((int)LOCKOUT_ADDRESS >= (int)ADDR_TEXT_MAX,
    "the store takes every address");

enum { DB, JSON, ALL = JSON };

static const struct ctl_opt list_opts[] = {
	[DB] = { "db", "FILE", "the store; otherwise the configuration's" },
	[JSON] = { "json", NULL, "print JSON" },
};

static const struct ctl_opt clear_opts[] = {
	[DB] = { "db", "FILE", "the store; otherwise the configuration's" },
	[ALL] = { "all", NULL, "all of them" },
};

struct walk {
	int64_t		 now;
	struct ctl_list	 list;
};

static int
put_row(const struct lockout *l, struct buf *out)
{
	char	 since[CLOCK_TEXT_MAX], until[CLOCK_TEXT_MAX];

	clock_text(l->since, since);
	clock_text(l->until, until);
	return buf_printf(out, "%-26s  %-20s  %-20s  %8lld  %s\n", l->address,
	    since, until, (long long)l->failures, l->endpoint);
}

static struct json *
as_json(const struct lockout *l)
{
	struct json	*d = json_new_object();

	json_add_str(d, "address", l->address);
	json_add_time(d, "since", l->since);
	json_add_time(d, "until", l->until);
	json_add_int(d, "failures", l->failures);
	json_add_str(d, "endpoint", l->endpoint);
	return d;
}

static int
on_lockout(const struct lockout *l, void *arg)
{
	struct walk	*k = arg;

	/* Over; the daemon has not come to it yet, or does not run. */
	if (l->until <= k->now)
		return 0;
	return k->list.json ? ctl_list_json(&k->list, as_json(l)) :
	    ctl_list_text(&k->list, put_row(l, &k->list.out));
}

static int
print_all(struct db *db, struct walk *k)
{
	struct ctl_list	*l = &k->list;
	int		 rc = 0;

	if (!l->json)
		rc = ctl_full(buf_printf(&l->out,
		    "%-26s  %-20s  %-20s  %8s  %s\n",
		    "ADDRESS", "LOCKED SINCE", "UNTIL", "FAILURES",
		    "ENDPOINT"), l->e);
	return rc != 0 ? rc : lockout_each(db, on_lockout, k, l->e);
}

static enum ctl_exit
run_list(const struct ctl_call *call)
{
	struct err	 e = { .reason = ERR_NONE };
	struct walk	 k = {
		.now = clock_now(),
		.list = {
			.json = call->opt[JSON] != NULL,
			.out = BUF_INIT(CTL_TEXT_MAX),
			.e = &e
		}
	};
	struct db	*db = NULL;
	int		 rc;

	rc = ledger_open(call, call->opt[DB], db_open_reader, &db, &e);
	if (rc == 0)
		rc = print_all(db, &k);
	rc = ctl_list_close(&k.list, rc);
	db_close(db);
	return rc == 0 ? CTL_OK : ctl_fail(call, &e);
}

/* The address that is meant, as the store has it; NULL: all of them. */
static int
read_address(const struct ctl_call *call, char text[ADDR_TEXT_MAX],
    const char **address)
{
	uint8_t	 addr[ADDR_LEN];

	if ((call->operand != NULL) == (call->opt[ALL] != NULL)) {
		(void)ctl_usage(call, "give an address, or --all");
		return -1;
	}
	*address = NULL;
	if (call->operand == NULL)
		return 0;
	if (addr_parse(call->operand, addr) != 0) {
		(void)ctl_usage(call, "\"%s\" is not an address",
		    call->operand);
		return -1;
	}
	addr_text(addr, text);
	*address = text;
	return 0;
}

static enum ctl_exit
run_clear(const struct ctl_call *call)
{
	struct err	 e = { .reason = ERR_NONE };
	char		 text[ADDR_TEXT_MAX];
	const char	*address;
	struct db	*db = NULL;
	int64_t		 n = 0;
	int		 rc;

	if (read_address(call, text, &address) != 0)
		return CTL_USAGE;
	rc = ledger_open(call, call->opt[DB], db_open_beside, &db, &e);
	if (rc == 0)
		rc = lockout_clear(db, address, &n, &e);
	db_close(db);
	if (rc != 0)
		return ctl_fail(call, &e);
	if (n == 0 && address != NULL) {
		ctl_note(call, "%s is not locked", address);
		return CTL_NOT_FOUND;
	}
	(void)printf("cleared %lld\n", (long long)n);
	if (n > 0)
		ctl_note(call, "scepd sees it within about a second");
	return CTL_OK;
}

const struct ctl_cmd cmd_lockout_list = {
	.noun = "lockout",
	.verb = "list",
	.reads_conf = true,
	.summary = "list the addresses that are locked",
	.about =
	    "Lists the addresses that are locked for failed challenges, the\n"
	    "longest locked first.",
	.opts = list_opts,
	.n_opts = sizeof(list_opts) / sizeof(list_opts[0]),
	.run = run_list
};

const struct ctl_cmd cmd_lockout_clear = {
	.noun = "lockout",
	.verb = "clear",
	.operand = "[ADDRESS]",
	.operand_optional = true,
	.reads_conf = true,
	.summary = "unlock an address, or all",
	.about =
	    "Unlocks an address, while scepd runs or not; of IPv6 the /64 that\n"
	    "the address is in. Exits 3 if it is not locked.",
	.opts = clear_opts,
	.n_opts = sizeof(clear_opts) / sizeof(clear_opts[0]),
	.run = run_clear
};
