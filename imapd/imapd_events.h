/*
 * What store says unasked.
 */
#ifndef IMAPD_IMAPD_EVENTS_H
#define IMAPD_IMAPD_EVENTS_H

/*
 * Takes in what has come: boxes that changed are read again, the list of
 * mailboxes is forgotten where it changed. The views have it as news then.
 */
void	imapd_events(void);

#endif
