# imapd: the IMAP sessions of one user, behind login. A family of commands is
# one file and one word in imapd_commands.h.
IMAPD_COMMANDS = \
	imapd/cmd_session.c imapd/cmd_select.c imapd/cmd_mailbox.c \
	imapd/cmd_list.c imapd/cmd_lsub.c imapd/cmd_append.c imapd/cmd_fetch.c \
	imapd/cmd_store.c imapd/cmd_copy.c imapd/cmd_search.c \
	imapd/cmd_quota.c

noinst_LIBRARIES += imapd/libimapd.a
imapd_libimapd_a_SOURCES = $(IMAPD_COMMANDS) \
	imapd/imapd_args.c imapd/imapd_args.h \
	imapd/imapd_input.c imapd/imapd_input.h \
	imapd/imapd_set.c imapd/imapd_set.h \
	imapd/imapd_date.c imapd/imapd_date.h \
	imapd/imapd_flags.c imapd/imapd_flags.h \
	imapd/imapd_uses.c imapd/imapd_uses.h \
	imapd/imapd_status.c imapd/imapd_status.h \
	imapd/imapd_list_args.c imapd/imapd_list_args.h \
	imapd/imapd_door.c imapd/imapd_door.h \
	imapd/imapd_wide.c imapd/imapd_wide.h \
	imapd/imapd_box.c imapd/imapd_box.h \
	imapd/imapd_news.c imapd/imapd_news.h \
	imapd/imapd_view.c imapd/imapd_view.h \
	imapd/imapd_session.c imapd/imapd_session.h \
	imapd/imapd_zip.c imapd/imapd_zip.h \
	imapd/imapd_reply.c imapd/imapd_reply.h \
	imapd/imapd_names.c imapd/imapd_names.h \
	imapd/imapd_events.c imapd/imapd_events.h \
	imapd/imapd_undo.c imapd/imapd_undo.h \
	imapd/imapd_commands.c imapd/imapd_commands.h \
	imapd/imapd_engine.c imapd/imapd_engine.h \
	imapd/imapd_loop.c imapd/imapd_loop.h \
	imapd/imapd_fetch_items.c imapd/imapd_fetch_items.h \
	imapd/imapd_fetch_body.c imapd/imapd_fetch_body.h \
	imapd/imapd_pick.c imapd/imapd_pick.h \
	imapd/imapd_fetch_batch.c imapd/imapd_fetch_batch.h \
	imapd/imapd_fetch_put.c imapd/imapd_fetch_put.h \
	imapd/imapd_ids.c imapd/imapd_ids.h \
	imapd/imapd_search_ids.c imapd/imapd_search_ids.h \
	imapd/imapd_vanished.c imapd/imapd_vanished.h \
	imapd/imapd_vanished_line.c imapd/imapd_vanished_line.h \
	imapd/imapd_resync.c imapd/imapd_resync.h \
	imapd/imapd_search_parse.c imapd/imapd_search_parse.h \
	imapd/imapd_result.c imapd/imapd_result.h \
	imapd/imapd_search_match.c imapd/imapd_search_match.h \
	imapd/imapd_search_scan.c imapd/imapd_search_scan.h \
	imapd/imapd_finder.c imapd/imapd_finder.h

pkglibexec_PROGRAMS += imapd/imapd
imapd_imapd_SOURCES = imapd/main.c
imapd_imapd_LDADD = imapd/libimapd.a $(SERVER) $(MAIL) $(BASE) \
	$(SERVER_LIBS) $(ZLIB_LIBS)

# What the rows of the commands add to CAPABILITY, which login says too.
# (With BUILT_SOURCES "make -j all check" would be two makes in one folder.)
imapd/cmd_session.$(OBJEXT) auth/login_imap.$(OBJEXT): lib/mail/imap_rows.h
tests/imapd/test_session.$(OBJEXT): lib/mail/imap_rows.h
tests/auth/test_talk.$(OBJEXT) tests/auth/test_proxy.$(OBJEXT): \
	lib/mail/imap_rows.h
CLEANFILES += lib/mail/imap_rows.h
lib/mail/imap_rows.h: $(IMAPD_COMMANDS)
	$(AM_V_GEN)$(MKDIR_P) lib/mail && { \
	    printf '#define IMAP_CAPABILITY_ROWS \\\n'; \
	    (cd $(srcdir) && sed -n \
	    -e 's/.*\.capability = "\([^"]*\)".*/	" \1" \\/p' \
	    $(IMAPD_COMMANDS)); echo '	""'; } >$@.new && mv $@.new $@
