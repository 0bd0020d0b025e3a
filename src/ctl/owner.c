/*
 * Root as the owner of the store: secrets beside it are his alone, and root
 * takes no secret from a file that somebody else owns.
 */
#include <sys/stat.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl_int.h"

static int
take_groups(const struct passwd *pw, gid_t gid)
{
	return pw != NULL ? initgroups(pw->pw_name, gid) :
	    setgroups(1, &gid);
}

/* Who could have put another file there: whoever owns the folder, or a link to
 * it. A link in place of the store is not followed: to a file of root's it would
 * let root stay root. */
static int
find_owner(const char *store, struct stat *st, struct err *e)
{
	const char	*slash = strrchr(store, '/');
	char		*folder = slash == NULL ? strdup(".") :
			    strndup(store, slash == store ? 1 :
			    (size_t)(slash - store));
	int		 rc;

	if (folder == NULL) {
		err_set(e, ERR_MEMORY, "owner");
		return -1;
	}
	rc = lstat(folder, st);
	if (rc == 0 && st->st_uid == 0)
		rc = stat(folder, st);
	if (rc == 0 && st->st_uid == 0)
		rc = lstat(store, st);
	if (rc == -1)
		err_set(e, ERR_FILE, "%s: %s", store, strerror(errno));
	free(folder);
	return rc;
}

int
ctl_become_owner(const char *store, struct err *e)
{
	const struct passwd	*pw;
	struct stat		 st;
	gid_t			 gid;

	if (geteuid() != 0)
		return 0;
	if (find_owner(store, &st, e) == -1)
		return -1;
	if (st.st_uid == 0)
		return 0;
	pw = getpwuid(st.st_uid);
	gid = pw != NULL ? pw->pw_gid : st.st_gid;
	if (take_groups(pw, gid) == 0 && setresgid(gid, gid, gid) == 0 &&
	    setresuid(st.st_uid, st.st_uid, st.st_uid) == 0)
		return 0;
	err_set(e, ERR_PRIVILEGE, "cannot become the owner of %s: %s; run "
	    "this as that user", store, strerror(errno));
	return -1;
}
