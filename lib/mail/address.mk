lib_mail_libmail_a_SOURCES += \
	lib/mail/address.c lib/mail/address_list.c lib/mail/address.h \
	lib/mail/header.c lib/mail/header.h \
	lib/mail/mark.c lib/mail/mark.h \
	lib/mail/date.c lib/mail/date.h
