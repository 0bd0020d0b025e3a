/*
 * The configuration: scepd.conf(5) as a plain struct, checked.
 *
 * conf_load() checks all that can be known from the file alone: types, ranges,
 * unknown settings, names that refer to nothing, names given twice. What the
 * files it names contain is checked by those who open them. Errors name file,
 * line, setting and mend.
 *
 * PATH settings, and the items of lists with CONF_PATHS: a relative path is
 * relative to the configuration file's folder; "credential:NAME" is the systemd
 * credential NAME (a file in $CREDENTIALS_DIRECTORY). In the struct they are
 * complete paths, or "".
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/err.h"

#define CONF_RELOAD	0x1u
#define CONF_REQUIRED	0x2u
#define CONF_SECRET	0x4u
#define CONF_FIRST	0x8u
#define CONF_PATHS	0x10u
#define CONF_OFF	0x20u

/* Of configure: /etc and /var as distributions have them. */
#define CONF_DEFAULT_FILE	SYSCONFDIR "/scepd/scepd.conf"
#define CONF_DEFAULT_STORE	LOCALSTATEDIR "/lib/scepd/scepd.db"

#define CONF_NONE	"none"		/* http.listen: no plain HTTP */

/* Values of ENUM settings, in the order of their rows in conf.def. */
enum conf_log_level {
	CONF_LOG_CRIT, CONF_LOG_ERR, CONF_LOG_WARN, CONF_LOG_NOTICE,
	CONF_LOG_INFO, CONF_LOG_DEBUG
};
enum conf_mode { CONF_MODE_RA, CONF_MODE_CA };
enum conf_ra_renew_key { CONF_RA_RENEW_SAME, CONF_RA_RENEW_NEW };
enum conf_ec_reply { CONF_EC_REPLY_PASSWORD, CONF_EC_REPLY_KARI };
enum conf_signer_key { CONF_SIGNER_SAME, CONF_SIGNER_ANY };
enum conf_approval { CONF_APPROVAL_AUTO, CONF_APPROVAL_MANUAL };
enum conf_renew_names { CONF_RENEW_NAMES_SAME, CONF_RENEW_NAMES_SUBSET };
enum conf_renew_key { CONF_RENEW_KEY_ANY, CONF_RENEW_KEY_NEW,
	CONF_RENEW_KEY_SAME };
enum conf_renew_challenge { CONF_RENEW_CHALLENGE_IGNORED,
	CONF_RENEW_CHALLENGE_OPTIONAL, CONF_RENEW_CHALLENGE_REQUIRED };
enum conf_duplicate_key { CONF_DUPLICATE_ALLOW, CONF_DUPLICATE_SAME_SUBJECT,
	CONF_DUPLICATE_REFUSE };
enum conf_sid { CONF_SID_STRIP, CONF_SID_ALLOW };
enum conf_surplus { CONF_SURPLUS_DROP, CONF_SURPLUS_REFUSE };
enum conf_validator_type { CONF_VALIDATOR_EXEC, CONF_VALIDATOR_WEBHOOK };
enum conf_validator_challenge { CONF_CHALLENGE_ALSO, CONF_CHALLENGE_INSTEAD };
enum conf_auth { CONF_AUTH_HMAC, CONF_AUTH_BEARER };
enum conf_account_auth { CONF_ACCOUNT_BASIC, CONF_ACCOUNT_BEARER,
	CONF_ACCOUNT_CERTIFICATE };
enum conf_issuer_type { CONF_ISSUER_LOCAL, CONF_ISSUER_EXEC };

struct conf_strings {
	char	**v;		/* n strings and a NULL */
	size_t	  n;
};

#define STR(f, path, def, longest, flags, help)		char *f;
#define PATH(f, path, def, flags, help)			char *f;
#define INT(f, path, def, min, max, flags, help)	int64_t f;
#define DUR(f, path, def, min, max, flags, help)	int64_t f;
#define BOOL(f, path, def, flags, help)			bool f;
#define ENUM(f, path, def, words, flags, help)		int f;
#define LIST(f, path, def, most, words, flags, help)	struct conf_strings f;

/* line: where the entry stands in the file, for later complaints about it */
struct conf_endpoint {
	int	line;
#define CONF_ENDPOINT
#include "conf/conf.def"
#undef CONF_ENDPOINT
};

struct conf_issuer {
	int	line;
#define CONF_ISSUER
#include "conf/conf.def"
#undef CONF_ISSUER
};

struct conf_profile {
	int	line;
#define CONF_PROFILE
#include "conf/conf.def"
#undef CONF_PROFILE
};

struct conf_challenge {
	int	line;
#define CONF_CHALLENGE
#include "conf/conf.def"
#undef CONF_CHALLENGE
};

/* Who may use the listener of administration. */
struct conf_account {
	int	line;
#define CONF_ACCOUNT
#include "conf/conf.def"
#undef CONF_ACCOUNT
};

struct conf_validator {
	int	line;
#define CONF_VALIDATOR
#include "conf/conf.def"
#undef CONF_VALIDATOR
};

struct conf {
	char			*file;		/* as given to conf_load() */
#define CONF_GLOBAL
#include "conf/conf.def"
#undef CONF_GLOBAL
	int			*lines;		/* of the global settings */
	struct conf_endpoint	*endpoints;	/* at least one */
	size_t			 n_endpoints;
	struct conf_issuer	*issuers;	/* at least one */
	size_t			 n_issuers;
	struct conf_profile	*profiles;	/* at least one */
	size_t			 n_profiles;
	struct conf_challenge	*challenges;	/* maybe none */
	size_t			 n_challenges;
	struct conf_account	*accounts;	/* NULL where there are none */
	size_t			 n_accounts;
	struct conf_validator	*validators;	/* maybe none */
	size_t			 n_validators;
};

#undef STR
#undef PATH
#undef INT
#undef DUR
#undef BOOL
#undef ENUM
#undef LIST

/*
 * Reads and checks a file: ERR_CONFIG, ERR_FILE, or ERR_FILE_MODE if it holds
 * a challenge's secret and others can read it.
 */
int	 conf_load(const char *path, struct conf **out, struct err *e);
void	 conf_free(struct conf *);

/* Whether it is among them, byte for byte. */
bool	 conf_strings_has(const struct conf_strings *, const char *);

/* By name; NULL if there is none. conf_load() proved all references. */
const struct conf_issuer	*conf_issuer(const struct conf *, const char *);
const struct conf_profile	*conf_profile(const struct conf *,
				    const char *);
const struct conf_challenge	*conf_challenge(const struct conf *,
				    const char *);
const struct conf_endpoint	*conf_endpoint(const struct conf *,
				    const char *);
const struct conf_validator	*conf_validator(const struct conf *,
				    const char *);
/* Whether challenges that are made may be for that endpoint: ERR_NO_CHALLENGES
 * where its validator alone judges them, which would not know them. */
int		 conf_takes_challenges(const struct conf_endpoint *,
		    struct err *e);
/* Of a path, without the slashes at its end, which change nothing; "/" has
 * none. */
size_t		 conf_path_length(const char *);

/*
 * Every endpoint is reached at CONF_SCEP "/NAME", whatever its paths; what
 * clients put behind CONF_SCEP by themselves names none. Case is ignored.
 */
#define CONF_SCEP	"/scep"
bool	 conf_is_suffix(struct bytes segment);

/*
 * Path of the first setting without CONF_RELOAD in which two configurations
 * differ, or NULL: such a change waits for a restart. Entries of the lists
 * come and go with every reload, so all their settings have CONF_RELOAD.
 */
const char	*conf_needs_restart(const struct conf *old,
		    const struct conf *new);

/* Puts "FILE:LINE: SETTING: " before what went wrong with a global setting's
 * value; without the line where the file leaves it at its default. */
void	 conf_blame(const struct conf *, const char *path, struct err *e);

/* The effective configuration as a file that conf_load() takes, secrets as
 * "(secret)" comments. */
int	 conf_dump(const struct conf *, struct buf *out);
/* The commented sample: every setting with help, range and default. */
int	 conf_sample(struct buf *out);
/* The setting tables of scepd.conf(5), as mdoc(7) source. */
int	 conf_manual(struct buf *out);

#endif
