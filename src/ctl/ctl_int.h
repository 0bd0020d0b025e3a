/*
 * scepctl(1): one row in main.c's table and one struct ctl_cmd per command.
 * Options and help are that struct's; a command sees only values.
 */
#ifndef CTL_CTL_INT_H
#define CTL_CTL_INT_H

#include <sys/types.h>

#include "conf/conf.h"
#include "pki/key.h"
#include "render/trail.h"
#include "store/audit.h"
#include "store/challenge.h"
#include "store/issued.h"
#include "util/buf.h"
#include "util/err.h"

enum ctl_exit {
	CTL_OK = 0,
	CTL_FAILED = 1,
	CTL_USAGE = 2,
	CTL_NOT_FOUND = 3
};

struct ctl_opt {
	const char	*name;		/* "dir" for --dir */
	const char	*arg;		/* what it takes; NULL: nothing */
	const char	*help;
};

#define CTL_OPTS_MAX	16
#define CTL_GIVEN_MAX	256	/* options of one call */

struct ctl_call;

struct ctl_cmd {
	const char		*noun;
	const char		*verb;		/* one word or more; NULL: the
						 * noun is all */
	const char		*operand;	/* its name, or NULL: none */
	bool			 operand_optional;
	bool			 reads_conf;	/* has -c FILE too */
	const char		*summary;	/* in the list of commands */
	const char		*about;		/* in its own help */
	const struct ctl_opt	*opts;
	size_t			 n_opts;
	enum ctl_exit		(*run)(const struct ctl_call *);
};

/* A command as it was called. */
struct ctl_call {
	const struct ctl_cmd	*cmd;
	const char		*conf_file;
	/* By the command's own numbers; NULL: not given; "" if it takes none */
	const char		*opt[CTL_OPTS_MAX];
	const char		*operand;
	/* In their order, for options that may be given more than once. */
	struct {
		size_t		 opt;
		const char	*value;
	}			 given[CTL_GIVEN_MAX];
	size_t			 n_given;
};
/* The next value of an option; *at, first 0, goes behind it. NULL: no more. */
const char	*ctl_given(const struct ctl_call *, size_t opt, size_t *at);

extern const struct ctl_cmd	cmd_ca_init, cmd_ca_import,
				cmd_ca_rollover_activate,
				cmd_ca_rollover_prepare, cmd_ca_rollover_show;
extern const struct ctl_cmd	cmd_challenge_add, cmd_challenge_disable,
				cmd_challenge_enable, cmd_challenge_hash,
				cmd_challenge_list, cmd_challenge_remove,
				cmd_challenge_show;
extern const struct ctl_cmd	cmd_list, cmd_lockout_clear, cmd_lockout_list,
				cmd_pending_approve,
				cmd_pending_list, cmd_pending_reject,
				cmd_pending_show, cmd_policy_test, cmd_revoke, cmd_show, cmd_why;

/* ---- report.c: what a command says ---- */

/* A fact as a line of text: its name, padded, and its value made safe. */
int	 ctl_put_line(struct buf *out, const char *name, const char *value);
int	 ctl_put_time(struct buf *out, const char *name, int64_t when);

/* The user's name, until it is asked for again. */
const char	*ctl_caller(void);

/* What putting text into a buffer has given; ERR_MEMORY where that is -1. */
int	 ctl_full(int rc, struct err *e);
/* Writes the text that putting, which gave rc, has left, and wipes it. */
int	 ctl_print(int rc, struct buf *text, struct err *e);
/* Ends the JSON of a list whose items json_list_item() has put. */
int	 ctl_list_end(size_t n, struct buf *out, struct err *e);

/* A list, written item by item: as text, behind a line of headings that is in
 * out at first, or as JSON. */
struct ctl_list {
	bool		 json;
	bool		 one;		/* an item alone, not in a list */
	size_t		 n;		/* items so far */
	struct buf	 out;
	struct err	*e;
};
/* One more: what putting it into out has given; or its object, which is eaten. */
int	 ctl_list_text(struct ctl_list *, int rc);
int	 ctl_list_json(struct ctl_list *, struct json *);
/* The end, of which rc tells whether the items were all; wipes out. */
int	 ctl_list_close(struct ctl_list *, int rc);

/* One line to stderr, with a hint at --help. */
enum ctl_exit	 ctl_usage(const struct ctl_call *, const char *fmt, ...)
		    __attribute__((format(printf, 2, 3)));
/* One line to stderr; CTL_FAILED. */
enum ctl_exit	 ctl_fail(const struct ctl_call *, const struct err *);
/* One line to stderr, whatever the exit code will be. */
void		 ctl_note(const struct ctl_call *, const char *fmt, ...)
		    __attribute__((format(printf, 2, 3)));
/* Writes the text to stdout and forgets it. */
int		 ctl_flush(struct buf *, struct err *e);
/* A document and a newline to stdout. Eats it. */
int		 ctl_print_json(struct json *, struct err *e);
void		 ctl_help(const struct ctl_cmd *);

/* Value of an option, checked; a fault is told by ctl_usage(): -1. */
int		 ctl_number(const struct ctl_call *, size_t opt, int64_t most,
		    int64_t *value);
/* words ends with NULL; *value is untouched if the option is not given. */
int		 ctl_word(const struct ctl_call *, size_t opt,
		    const char *const *words, const char **value);

/* ---- conf_file.c ---- */

/* Whether this program may read it; the fault says what to do. */
int	 ctl_readable(const char *path, const char *if_missing,
	    struct err *e);
/* The same of the configuration's store. */
int	 ctl_store_readable(const struct conf *, struct err *e);
/* The configuration. */
int	 ctl_conf(const struct ctl_call *, const char *if_missing,
	    struct conf **out, struct err *e);

/* ---- owner.c ---- */

/* Root goes on as the owner of that file or of its folder, for good: then it may
 * read what the daemon may read. Who is not root stays who he is. */
int	 ctl_become_owner(const char *store, struct err *e);

/* ---- prompt.c ---- */

#define CTL_SECRET_MAX	8192	/* longest challenge that scepd accepts */

/* One line from stdin; from a terminal asked for twice, without echo. */
int	 ctl_read_secret(struct buf *out, struct err *e);
/* The same, asked for once: one that exists. */
int	 ctl_read_known_secret(struct buf *out, struct err *e);

/* ---- ledger.c: what list, show and revoke share ---- */

#define CTL_TEXT_MAX	(4u * 1024 * 1024)	/* one certificate as text */

#define LEDGER_NO_CONF							\
	"name the configuration with -c, or the store with --db"
/* Opens the store by open_db: db_path, or if that is NULL the configuration's.
 * Faults name what to mend: --db, -c, store.path, or who calls. */
int	 ledger_open(const struct ctl_call *, const char *db_path,
	    int (*open_db)(const char *, struct db **, struct err *),
	    struct db **out, struct err *e);
/* Whether an endpoint is known: the configuration has it (unless db_path is
 * given), or a certificate of it is in the store. */
int	 ledger_has_endpoint(const struct ctl_call *, const char *db_path,
	    struct db *, const char *name, bool *known, struct err *e);
/* Hex in any case, with colons, any number of leading zeros and maybe 0x, as
 * the content of the INTEGER that DER makes of it; -1: it is none. */
int	 ledger_parse_serial(const char *, struct buf *out);
/* The operand as content of an INTEGER; a fault is told by ctl_usage(): -1. */
int	 ledger_read_serial(const struct ctl_call *, struct buf *out);
/* Calls each certificate with that serial number, of any issuer. */
int	 ledger_find(struct db *, struct bytes serial,
	    int (*)(const struct issued *, void *), void *arg, struct err *e);
/* There is none with the operand for its serial number: says so, and where to
 * look if it is that of a stray. */
enum ctl_exit	 ledger_missing(const struct ctl_call *, struct db *,
		    struct err *e);
/* Hex of a serial number, without the zeros that DER puts in front. */
#define LEDGER_SERIAL	512
void	 ledger_serial(struct bytes, char out[LEDGER_SERIAL]);
/* A row as facts to show: borrowed from the row and the serial's text. */
struct ledger_text {
	char	 serial[LEDGER_SERIAL];
	char	 supersedes[LEDGER_SERIAL];
	char	 superseded_by[LEDGER_SERIAL];
};
struct json_cert ledger_facts(const struct issued *, struct ledger_text *);
/* "valid", "superseded", "expired", "hold" or "revoked". */
const char	*ledger_status(const struct json_cert *);
/* The SANs, of which the row has one a line, on one line. */
int	 ledger_sans(const char *sans, struct buf *out);

/* ---- trail.c, advice.c: how a decision came about ---- */

/* Its facts, a line each; then its steps in their order, with another line for
 * what was wrong where one refused. */
int	 ctl_trail_facts(const struct trail *, struct buf *out);
int	 ctl_trail_steps(const struct trail *, struct buf *out);
/* What an operator can do about it, as a template; NULL: nothing. */
const char	*advice_for(enum err_reason);
/* The same, with the facts of that trail (NULL: none) in it; appends nothing
 * where there is nothing to say. */
int	 advice_put(enum err_reason, const struct trail *, struct buf *out);
/* As lines of text, behind the refusal as a renewal of what was then refused as
 * an enrollment too; or as a member of an object. */
int	 advice_lines(enum err_reason, const struct trail *, struct buf *out);
void	 advice_add(struct json *, enum err_reason, const struct trail *);
int	 ctl_trail_put_renewal(const struct trail *, struct buf *out);
/* "badRequest", …; NULL: told by the HTTP status. */
const char	*advice_failinfo(enum err_reason);

/* ---- why_report.c ---- */

struct why_signed;

/* A decision, and what became of it. */
struct why {
	const struct audit	*row;	/* NULL: none was kept */
	struct trail		*trail;	/* its trail, or NULL */
	int64_t			 txn;	/* its transaction, 0: it has none */
	struct audit_fate	 fate;	/* of that */
	bool			 malformed;	/* the row's trail is */
	const struct why_signed	*signs;	/* what its certificate signed; NULL:
					 * that is not asked */
};
/* Its row and the trail of that, to be freed. A malformed one is told in its
 * place: 0. */
int		 why_read(struct why *, const struct audit *row,
		    struct err *e);
int		 why_text(const struct why *, struct buf *out);
struct json	*why_json(const struct why *);
/* What came of it and why, what to do, and whether nobody can read why; and how
 * it stands now. */
int		 why_headline(const struct why *, struct buf *out);
int		 why_state(const struct why *, struct buf *out);

/* ---- why_signed.c: what a certificate signed, the newest first ---- */

#define WHY_SIGNED_MAX	10

struct why_signed {
	struct audit	*row[WHY_SIGNED_MAX];
	struct why	 v[WHY_SIGNED_MAX];
	size_t		 n;
	int64_t		 more;		/* that are not among them */
	size_t		 n_malformed;	/* trails of these */
};
/* Of a row of issued; to be freed, also after a fault. */
int		 why_signed_read(struct db *, int64_t row, struct why_signed *,
		    struct err *e);
void		 why_signed_free(struct why_signed *);
int		 why_signed_text(const struct why_signed *, struct buf *out);
/* As members of the object of a certificate; NULL: they are null. */
void		 why_signed_add(struct json *, const struct why_signed *);

/* ---- policy_report.c ---- */

struct rehearsal;

struct policy_report {
	const char		*endpoint;
	bool			 renewal;	/* as a RenewalReq */
	int64_t			 at;
	const struct rehearsal	*result;
};
int	 policy_report_text(const struct policy_report *, struct err *e);
int	 policy_report_json(const struct policy_report *, struct err *e);

/* ---- stray.c: scepctl list --stray ---- */

int	 stray_print(struct db *, bool json, struct err *e);
/* Nothing was issued with the operand for its serial number: if there is, or may
 * be, a stray with it, says where it is told of. */
int	 stray_point(const struct ctl_call *, struct db *, struct err *e);

/* ---- pending.c: what scepctl pending's commands share ---- */

struct waiting;
/* The configuration, unless the store is named: NULL then. */
int	 pending_conf(const struct ctl_call *, const char *db_path,
	    struct conf **out, struct err *e);
/* Whether the challenge of a request was taken out of use since it came;
 * without a configuration only of those in the store. */
bool	 pending_gone(const struct conf *, const struct waiting *);
/* The operand; a fault is told by ctl_usage(): -1. */
int	 pending_id(const struct ctl_call *, int64_t *id);
enum ctl_exit	 pending_failed(const struct ctl_call *, const struct err *);

/* ---- pending_trail.c: why one waits, and what it would get ---- */

/* Of the transaction; NULL: none is kept. Yours. */
int	 pending_trail(struct db *, int64_t id, struct trail **, struct err *e);
/* What the certificate would have, as far as a trail tells. */
int	 pending_put_granted(const struct trail *, struct buf *out);
/* That, as an object, and the trail; each null where it is not known. */
void	 pending_add_trail(struct json *, const struct trail *);
/* "valid", "superseded", "expired" or "revoked": what vouches for it, now; NULL:
 * it renews nothing of ours. */
const char	*pending_renews_status(const struct waiting *);

/* ---- cmd_challenge.c, challenge.c ---- */

/* 128 random bits in hex, upper case: people type it into devices. */
int	 challenge_draw(struct buf *out, struct err *e);

/* Says so where people have thought up a secret that others may hit on. */
void	 challenge_warn_short(const struct ctl_call *, struct bytes secret);

/* Lists as the store keeps them: one entry a line. */
int	 challenge_join(const struct conf_strings *, char **out,
	    struct err *e);
/* A challenge, of the store or of scepd.conf, as it is shown. */
struct challenge_shown {
	const struct challenge		*row;	/* id 0: of scepd.conf */
	const struct challenge_use	*use;
	int64_t				 now;
};
const char	*challenge_state(const struct challenge_shown *);
struct json	*challenge_json(const struct challenge_shown *);
int		 challenge_row(const struct challenge_shown *, struct buf *out);
int		 challenge_facts(const struct challenge_shown *,
		    struct buf *out);

/* ---- ca_make.c, ca_files.c, ca_import.c, ca_report.c ---- */

/* A CA in memory, before a byte of it is written. */
struct ca_set {
	struct key	*root_key;	/* NULL: single level, or not ours */
	struct key	*key;		/* of the issuing CA */
	struct cert	*cert;
	struct certs	 upper;		/* above it, root last; may be none */
	struct key	*ra_key;	/* NULL in mode ca */
	struct cert	*ra;
};
void	 ca_set_clear(struct ca_set *);

struct ca_want {
	const char	*name;
	bool		 single;
	bool		 mode_ca;
	const char	*key;		/* types, as for key_generate() */
	const char	*ra_key;
	int64_t		 root_days;
	int64_t		 ca_days;
	int64_t		 ra_days;
	int64_t		 now;
};
/* All keys and certificates, proven to fit together. */
int	 ca_make(const struct ca_want *, struct ca_set *out, struct err *e);
/* Adds the RA to a set that has an issuing CA. */
int	 ca_make_ra(const struct ca_want *, struct ca_set *, struct err *e);
/* Adds an issuing CA with this Name (DER) to a set of CAs above it, whose first
 * is signed for by root_key; self-signed if there are none. */
int	 ca_make_next(const struct ca_want *, struct bytes name,
	    struct ca_set *, struct err *e);

struct ca_source {
	const char	*cert;		/* files; NULL: not given */
	const char	*key;		/* NULL beside cert: it is elsewhere */
	const char	*p12;
	const char	*chain;
	const char	*passphrase;
};
/* Reads an existing CA and proves that it can issue: all but the RA. */
int	 ca_import(const struct ca_source *, const struct ca_want *,
	    struct ca_set *out, struct err *e);

/* What to do when a passphrase is missing and none was given. */
void	 ca_hint_passphrase(struct err *);

#define CA_FILES_MAX	8

struct ca_file {
	const char	*name;
	mode_t		 mode;
	struct buf	 content;	/* maximum FILE_MAX */
};
struct ca_files {
	struct ca_file	 v[CA_FILES_MAX];
	size_t		 n;
};
int	 ca_files_make(const struct ca_set *, struct ca_files *out,
	    struct err *e);
void	 ca_files_clear(struct ca_files *);
/* ERR_EXISTS unless dir does not exist or is an empty folder. */
int	 ca_dir_check(const char *dir, struct err *e);
/* All files, or nothing: made in a folder beside dir that takes its name. */
int	 ca_files_write(const struct ca_files *, const char *dir,
	    struct err *e);

/* What was made, for people or programs. */
struct ca_report {
	const char		*what;	/* "made" or "imported" */
	const char		*dir;
	const struct ca_set	*set;
	const struct ca_files	*files;
};
int	 ca_report_text(const struct ca_report *, struct err *e);
int	 ca_report_json(const struct ca_report *, struct err *e);
/* One certificate with its fingerprints; into JSON as a member. */
int	 ca_report_put(struct buf *out, const char *label,
	    const struct cert *, struct err *e);
int	 ca_report_add(struct json *, const char *key, const struct cert *,
	    struct err *e);

/* ---- rollover.c ---- */

/* What there is before the next CA is made. */
struct rollover {
	struct conf			*conf;
	const struct conf_issuer	*issuer;
	bool				 mode_ca;	/* somewhere */
	struct cert			*ca;		/* the current one */
	struct certs			 upper;
};
/* Of the issuer of that name, NULL: the only one. Tells what is wrong. */
enum ctl_exit	 rollover_open(const struct ctl_call *, const char *issuer,
		    struct rollover *);
void		 rollover_close(struct rollover *);

struct rollover_want {
	struct ca_want	 ca;		/* name NULL: the next generation's */
	const char	*root_cert;	/* NULL: the CA above the current one */
	const char	*root_key;	/* NULL: where ca init leaves it */
	const char	*chain;		/* above root_cert; may be NULL */
	const char	*passphrase;
};
/* The next CA, made; without the key of the CA above it. */
int	 rollover_make(const struct rollover *, const struct rollover_want *,
	    struct ca_set *out, struct err *e);
/* ERR_CERT_FILE if the set cannot follow the current CA. */
int	 rollover_check(const struct rollover *, const struct ca_set *,
	    struct err *e);

#endif
