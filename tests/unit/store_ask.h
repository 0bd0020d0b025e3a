/*
 * The store that a test's service has, scepd.db in the test's folder, behind
 * the service's back: one value out of it, or a change.
 */
#ifndef TESTS_STORE_ASK_H
#define TESTS_STORE_ASK_H

#define STORE_TEXT	256

void	 store_text(const char *sql, char out[STORE_TEXT]);
long	 store_number(const char *sql);
void	 store_do(const char *sql);
/* The text is what the store has. */
void	 store_assert(const char *sql, const char *want);

#endif
