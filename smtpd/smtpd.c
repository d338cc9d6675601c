#include "smtpd/smtpd.h"

struct smtpd smtpd;
