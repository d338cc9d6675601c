lib_mail_libmail_a_SOURCES += \
	lib/mail/mime.c lib/mail/mime_lex.c lib/mail/mime_lex.h \
	lib/mail/mime_envelope.c lib/mail/mime_structure.c
