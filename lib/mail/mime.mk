lib_mail_libmail_a_SOURCES += \
	lib/mail/mime.c lib/mail/mime_arena.c lib/mail/mime_field.c lib/mail/mime_impl.h \
	lib/mail/mime_lex.c lib/mail/mime_lex.h \
	lib/mail/mime_param.c lib/mail/mime_param.h \
	lib/mail/mime_address.c lib/mail/mime_address.h \
	lib/mail/mime_string.c lib/mail/mime_string.h \
	lib/mail/mime_envelope.c lib/mail/mime_envelope.h \
	lib/mail/mime_structure.c lib/mail/mime_structure.h \
	lib/mail/mime_encode.c lib/mail/mime_encode.h \
	lib/mail/mime_write.c lib/mail/mime_write.h \
	lib/mail/mime_charset.c lib/mail/mime_charset.h \
	lib/mail/mime_tables.c lib/mail/mime_tables.h \
	lib/mail/mime_decode.c lib/mail/mime_decode.h
