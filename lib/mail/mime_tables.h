/*
 * Character sets of one octet a character. For mime_charset.c alone.
 */
#ifndef LIB_MAIL_MIME_TABLES_H
#define LIB_MAIL_MIME_TABLES_H

#include <stddef.h>
#include <stdint.h>

struct mime_table_name {
	const char *name;	/* letters and digits alone, lower case */
	unsigned table;
};

/* Unicode of the octets 0x80..0xff. */
extern const uint16_t mime_tables[][128];
/* Ends with .name NULL. */
extern const struct mime_table_name mime_table_names[];

#endif
