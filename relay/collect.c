#include "relay/collect.h"

struct collect collect = {
	.accounts = TAILQ_HEAD_INITIALIZER(collect.accounts),
	.runs = TAILQ_HEAD_INITIALIZER(collect.runs),
	.to_write = TAILQ_HEAD_INITIALIZER(collect.to_write),
	.generation = UINT32_MAX,
};

const char *
status_name(uint32_t status)
{
	static const char *const names[] = {
		[0] = "new", [CL_OK] = "ok", [CL_REFUSED] = "login-refused",
		[CL_IN_USE] = "in-use", [CL_LOGIN_DELAY] = "login-delay",
		[CL_SYS_TEMP] = "server-trouble",
		[CL_SYS_PERM] = "server-refuses",
		[CL_UNREACHED] = "unreachable",
		[CL_CERTIFICATE] = "certificate", [CL_LOST] = "lost",
		[CL_PROTOCOL] = "protocol", [CL_QUEUE] = "queue",
		[CL_LIMIT] = "more",
	};

	return status < sizeof(names) / sizeof(names[0]) ? names[status] :
	    "lost";
}
