/*
 * The accounts that an address leads to, by aliases too: those that store can
 * tell something. What leads elsewhere is left out.
 */
#ifndef STORE_POSTMASTER_H
#define STORE_POSTMASTER_H

#include "lib/mail/tables.h"

/* Appends their names, packed lv; a few, where there are many. ABSENT: none. */
enum lookup postmaster_find(struct tables *t, const char *address,
	    struct buf *names_r);

#endif
