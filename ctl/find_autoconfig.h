/*
 * The servers that a configuration file for mail programs names: what lies at
 * autoconfig.DOMAIN/mail/config-v1.1.xml
 * (https://wiki.mozilla.org/Thunderbird:Autoconfiguration:ConfigFileFormat).
 */
#ifndef CTL_FIND_AUTOCONFIG_H
#define CTL_FIND_AUTOCONFIG_H

#include "ctl/find.h"

enum { AUTOCONFIG_MAX = 64 * 1024 };

/*
 * Reads the file's octets, which are hostile: elements and their text. A document
 * type ends it (entities are its to define; the five of XML are known), and so
 * does what is nested over 16 deep. Servers are in the file's order. What is no name of a host, no port, no protocol of ours, is
 * left out. 0, or -1: it is no such file.
 */
int	find_autoconfig(const char *p, size_t len, struct find_servers *l)
	    ATTR_CHECK;

#endif
