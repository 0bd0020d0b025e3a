/*
 * One value out of the store that a test's service has, scepd.db in the test's
 * folder, behind the service's back.
 */
#ifndef TESTS_STORE_ASK_H
#define TESTS_STORE_ASK_H

#define STORE_TEXT	256

void	 store_text(const char *sql, char out[STORE_TEXT]);
long	 store_number(const char *sql);

#endif
