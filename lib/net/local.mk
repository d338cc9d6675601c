noinst_LIBRARIES += lib/net/libnet.a
lib_net_libnet_a_SOURCES = \
	lib/net/addr.c lib/net/addr.h \
	lib/net/connect.c lib/net/connect.h \
	lib/net/dns.c lib/net/dns.h \
	lib/net/nets.c lib/net/nets.h \
	lib/net/stream.c lib/net/stream.h \
	lib/net/tls.c lib/net/tls_authority.c lib/net/tls_judge.c \
	lib/net/tls.h
