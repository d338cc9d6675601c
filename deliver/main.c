/*
 * deliver: brings messages of the queue into mailboxes, through store.
 */
#include "deliver/deliver_main.h"

int
main(int argc, char **argv)
{
	return server_work_main(argc, argv, &deliver_server);
}
