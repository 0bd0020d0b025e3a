#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "daemon/daemon_int.h"

void
priv_harden(void)
{
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)umask(077);
}

int
priv_want_files(int64_t n)
{
	struct rlimit	 rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		return -1;
	if (rl.rlim_cur >= (rlim_t)n)
		return 0;
	rl.rlim_cur = rl.rlim_max < (rlim_t)n ? rl.rlim_max : (rlim_t)n;
	if (setrlimit(RLIMIT_NOFILE, &rl) == -1)
		return -1;
	return rl.rlim_cur < (rlim_t)n ? -1 : 0;
}

static int
find_user(const char *user, uid_t *uid, gid_t *gid, struct err *e)
{
	struct passwd	 pw, *found;
	char		 text[4096];
	int		 r;

	r = getpwnam_r(user, &pw, text, sizeof(text), &found);
	if (found != NULL) {
		*uid = pw.pw_uid;
		*gid = pw.pw_gid;
		return 0;
	}
	if (r != 0)
		err_set(e, ERR_PRIVILEGE, "user \"%s\" cannot be looked up: "
		    "%s", user, strerror(r));
	else
		err_set(e, ERR_PRIVILEGE, "there is no user \"%s\"; create "
		    "it (adduser --system --group %s) or correct the setting "
		    "`user`", user, user);
	return -1;
}

int
priv_drop(const char *user, struct err *e)
{
	uid_t	 uid;
	gid_t	 gid;

	if (user[0] == '\0' || geteuid() != 0)
		return 0;
	if (find_user(user, &uid, &gid, e) == -1)
		return -1;
	if (uid == 0)
		return 0;
	if (initgroups(user, gid) == -1 || setresgid(gid, gid, gid) == -1 ||
	    setresuid(uid, uid, uid) == -1) {
		err_set(e, ERR_PRIVILEGE, "cannot become user \"%s\": %s",
		    user, strerror(errno));
		return -1;
	}
	if (setuid(0) == 0 || setgid(0) == 0) {
		err_set(e, ERR_PRIVILEGE, "root can be regained after "
		    "becoming user \"%s\"", user);
		return -1;
	}
	return 0;
}

static int
find_group(const char *group, gid_t *gid, struct err *e)
{
	struct group	 gr, *found;
	char		 text[16384];	/* all its members */
	int		 r;

	r = getgrnam_r(group, &gr, text, sizeof(text), &found);
	if (found != NULL) {
		*gid = gr.gr_gid;
		return 0;
	}
	if (r != 0)
		err_set(e, ERR_PRIVILEGE, "group \"%s\" cannot be looked up: "
		    "%s", group, strerror(r));
	else
		err_set(e, ERR_PRIVILEGE, "there is no group \"%s\"; create "
		    "it or correct the setting `admin.group`", group);
	return -1;
}

int
priv_check_group(const char *group, struct err *e)
{
	gid_t	 gid;

	return group[0] == '\0' ? 0 : find_group(group, &gid, e);
}

int
priv_share(const char *path, const char *user, const char *group,
    struct err *e)
{
	uid_t	 uid = (uid_t)-1;
	gid_t	 gid = (gid_t)-1;
	mode_t	 mode = S_IRUSR | S_IWUSR;

	if (user[0] != '\0' && geteuid() == 0 &&
	    find_user(user, &uid, &gid, e) == -1)
		return -1;
	if (group[0] != '\0') {
		if (find_group(group, &gid, e) == -1)
			return -1;
		mode |= S_IRGRP | S_IWGRP;
	}
	if (chown(path, uid, gid) == 0 && chmod(path, mode) == 0)
		return 0;
	err_set(e, ERR_PRIVILEGE, "%s: cannot be given to group \"%s\": %s; "
	    "make the server's user a member of it", path, group,
	    strerror(errno));
	return -1;
}
