/*
 * A message with octets over 0x7f for a host that does not offer 8BITMIME
 * (RFC 6152 3: a client "MUST NOT, under any circumstances" send it such
 * content, but convert it "into valid 7bit MIME" or fail it for good).
 *
 * Each part that has such octets gets quoted-printable, or base64 where these
 * are many or it is no text. What a body without a Content-Type is written in
 * nobody knows: charset unknown-8bit (RFC 1428 3). Of a field that it sets no
 * other stays beside. In the text around parts "?"
 * stands for each. Header fields stay as they are: 8BITMIME is about the body,
 * and who writes such a field (RFC 6532 or none) writes it to any host.
 */
#ifndef RELAY_SEVEN_H
#define RELAY_SEVEN_H

#include "lib/base/attr.h"
#include "lib/base/buf.h"

/*
 * Appends the len octets to out, in 7 bits but for header fields. -1: there are
 * octets over 0x7f where no encoding can be (parts that are encoded already, or
 * may not be, or are past MIME_PARTS_MAX); why names the place.
 */
int	seven_put(const char *data, size_t len, struct buf *out,
	    const char **why) ATTR_CHECK;

#endif
