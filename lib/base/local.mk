noinst_LIBRARIES += lib/base/libbase.a
lib_base_libbase_a_SOURCES = \
	lib/base/attr.h lib/base/peer.h lib/base/programs.def \
	lib/base/log.c lib/base/log.h \
	lib/base/mem.c lib/base/mem.h \
	lib/base/buf.c lib/base/buf.h \
	lib/base/str.c lib/base/str.h \
	lib/base/base64.c lib/base/base64.h \
	lib/base/crc32c.c lib/base/crc32c.h \
	lib/base/clock.c lib/base/clock.h \
	lib/base/fd.c lib/base/fd.h \
	lib/base/tree.c lib/base/tree.h \
	lib/base/words.c lib/base/words.h \
	lib/base/reserve.c lib/base/reserve.h \
	lib/base/chan.c lib/base/chan.h \
	lib/base/msg.c lib/base/msg.h
