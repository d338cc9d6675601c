noinst_LIBRARIES += lib/map/libmap.a
lib_map_libmap_a_SOURCES = lib/map/map_cdb.c lib/map/map.h \
	lib/map/bdb.c lib/map/bdb.h \
	lib/map/bdb_backup.c lib/map/bdb_doubt.c lib/map/bdb_room.c \
	lib/map/bdb_world.c lib/map/bdb_impl.h
