# pop3d: one POP3 session of one user, behind login.
noinst_LIBRARIES += pop3d/libpop3d.a
pop3d_libpop3d_a_SOURCES = \
	pop3d/pop3d_io.c pop3d/pop3d_io.h \
	pop3d/pop3d_box.c pop3d/pop3d_box.h \
	pop3d/pop3d_send.c pop3d/pop3d_send.h \
	pop3d/pop3d_session.c pop3d/pop3d_session.h

pkglibexec_PROGRAMS += pop3d/pop3d
pop3d_pop3d_SOURCES = pop3d/main.c
POP3D_LIBS = $(SERVER) $(MAIL) $(NET) $(BASE) $(EV_LIBS) $(SECCOMP_LIBS)
pop3d_pop3d_LDADD = pop3d/libpop3d.a $(POP3D_LIBS)
