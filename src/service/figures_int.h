/*
 * Private to service: what is counted, and its file.
 */
#ifndef SERVICE_FIGURES_INT_H
#define SERVICE_FIGURES_INT_H

#include "site/site.h"

struct service;

struct figures;
int	 figures_new(int64_t now, struct figures **out, struct err *e);
void	 figures_free(struct figures *);
/* A request has ended. type and outcome are static; reason ERR_NONE: well. */
void	 figures_count(struct figures *, const char *endpoint,
	    const char *type, const char *outcome, enum err_reason);
/* Appends the text; any thread. */
int	 figures_text(struct figures *, const struct service *,
	    struct site *, int64_t now, struct buf *out, struct err *e);
/* Writes metrics.file when its time has come; by one thread at a time. What
 * fails is logged. */
void	 figures_tick(struct figures *, const struct service *, int64_t now);

#endif
