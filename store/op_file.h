/*
 * Requests for fresh files.
 */
#ifndef STORE_OP_FILE_H
#define STORE_OP_FILE_H

#include "store/door_client.h"

extern const struct op op_file_rows[];

void	op_file_back(struct request *r);
/* A fresh file for the door: its descriptor and name. -1 (errno): there is
   none, or it has DOOR_FILES_MAX of them. */
int	client_give_file(struct client *c, char name_r[BODY_NAME]) ATTR_CHECK;
/* The fresh file that the field names; it is the door's no more. 0; -1: it was
   given none of that name. */
int	client_take_file(struct client *c, const struct msg *m, uint8_t tag,
	    char name_r[BODY_NAME]) ATTR_CHECK;
/* The same of that name, len octets. */
int	client_take_name(struct client *c, const char *name, size_t len,
	    char name_r[BODY_NAME]) ATTR_CHECK;

#endif
