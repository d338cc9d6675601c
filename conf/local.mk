# conf: what the init system is given. systemdsystemunitdir and sysusersdir
# may be set on make's command line; by default they lie under the prefix.
systemdsystemunitdir = $(prefix)/lib/systemd/system
sysusersdir = $(prefix)/lib/sysusers.d

EXTRA_DIST += conf/rohrpost.service.in conf/sysusers.sed
systemdsystemunit_DATA = conf/rohrpost.service
sysusers_DATA = conf/sysusers.d/rohrpost.conf
CLEANFILES += conf/rohrpost.service conf/sysusers.d/rohrpost.conf

conf/rohrpost.service: conf/rohrpost.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) conf && sed \
	    -e 's|@pkglibexecdir[@]|$(pkglibexecdir)|' \
	    -e 's|@sbindir[@]|$(sbindir)|' \
	    -e 's|@confdir[@]|$(sysconfdir)/rohrpost|' \
	    -e 's|@statedir[@]|$(localstatedir)/lib/rohrpost|' \
	    $(srcdir)/conf/rohrpost.service.in >$@.new && mv $@.new $@

# Users and groups of the programs, as their rows name them.
conf/sysusers.d/rohrpost.conf: lib/base/programs.def conf/sysusers.sed
	$(AM_V_GEN)$(MKDIR_P) conf/sysusers.d && sed -n \
	    -f $(srcdir)/conf/sysusers.sed $(srcdir)/lib/base/programs.def | \
	    LC_ALL=C sort -u >$@.new && mv $@.new $@
