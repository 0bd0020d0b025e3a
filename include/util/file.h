/*
 * Files: reads with a limit, writes that are whole or not at all.
 */
#ifndef UTIL_FILE_H
#define UTIL_FILE_H

#include <sys/types.h>

#include "util/buf.h"
#include "util/err.h"

#define FILE_MAX	(1024u * 1024)	/* no file we read is larger */

/* Appends the whole file to out; ERR_FILE names path, cause and mend. */
int	 file_read(const char *path, struct buf *out, struct err *e);
/*
 * As file_read() for secrets: ERR_FILE_MODE if the group may write it or
 * others may do anything with it, or neither the user nor root owns it.
 */
int	 file_read_private(const char *path, struct buf *out, struct err *e);
/*
 * Whether nobody but root and this process's user could change what runs under
 * that name: ERR_FILE_MODE if one of them does not own it, its group or others
 * may write it, or others may put another one in its place; ERR_FILE if it is
 * no file.
 */
int	 file_check_program(const char *path, struct err *e);
/* First line of a private file (passphrases): no line end, never empty. */
int	 file_read_secret(const char *path, struct buf *out, struct err *e);
/*
 * Writes through a temporary file in the same folder, fsync and rename: a
 * reader sees the old content or the new. EXISTS when !replace and it exists.
 */
int	 file_write(const char *path, struct bytes, mode_t mode, bool replace,
	    struct err *e);
/* Whether file_write() could make it, as far as its folder tells. ERR_FILE. */
int	 file_check_folder(const char *path, struct err *e);
/* Makes a new name in the folder of path durable. */
int	 file_sync_folder(const char *path, struct err *e);
/* "folder of base" + "/" + name; name itself when it is absolute. Yours. */
char	*file_beside(const char *base, const char *name);

#endif
