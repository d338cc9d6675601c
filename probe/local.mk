noinst_LIBRARIES += probe/libprobe.a
probe_libprobe_a_SOURCES = probe/probe.c probe/probe.h
pkglibexec_PROGRAMS += probe/probe
probe_probe_SOURCES = probe/main.c
probe_probe_LDADD = probe/libprobe.a $(SERVER) $(MAIL) $(NET) $(BASE) \
	$(OPENSSL_LIBS) $(SERVER_LIBS)
