/*
 * What programs of the suite answer a command, in the operator's language: they
 * speak English, to the log and to everybody.
 */
#ifndef CTL_REPLY_H
#define CTL_REPLY_H

#include "lib/base/buf.h"

/*
 * Appends what was said, in the operator's words where it is one of the answers
 * that are known, else as it is.
 */
void	reply_words(const char *said, struct buf *out);

#endif
