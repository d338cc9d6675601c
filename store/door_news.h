/*
 * Doors that follow: they are told that there is something to be asked for.
 */
#ifndef STORE_DOOR_NEWS_H
#define STORE_DOOR_NEWS_H

#include "lib/base/attr.h"

struct account;
struct client;

/* The door is one that follows, from now on: 0; -1: they are too many. */
int	news_join(struct client *c) ATTR_CHECK;
/* Something of the account is to be asked for. */
void	news_tell(struct account *a);
/* The door asks: it may be told again. */
void	news_asked(struct account *a, const struct client *c);

#endif
