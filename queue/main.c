/*
 * queue: takes mail from smtpd, keeps it durable, has it delivered or relayed.
 */
#include "queue/queue_main.h"

int
main(int argc, char **argv)
{
	return server_loop_main(argc, argv, &queue_server);
}
