check_PROGRAMS += tests/pop3d/test_pop3d tests/pop3d/test_box
tests_pop3d_test_pop3d_LDADD = pop3d/libpop3d.a $(POP3D_LIBS) $(CMOCKA_LIBS)
tests_pop3d_test_box_LDADD = pop3d/libpop3d.a $(POP3D_LIBS) $(CMOCKA_LIBS) \
	-lpthread
