# conf: what the init system is given. systemdsystemunitdir and sysusersdir
# may be set on make's command line; by default they lie under the prefix.
systemdsystemunitdir = $(prefix)/lib/systemd/system
sysusersdir = $(prefix)/lib/sysusers.d

EXTRA_DIST += conf/rohrpost.service.in conf/rohrpost.init.in \
	conf/rohrpost.openrc.in conf/sysusers.sed
systemdsystemunit_DATA = conf/rohrpost.service
sysusers_DATA = conf/sysusers.d/rohrpost.conf
# What rohrpost setup knows of providers (rohrpost-providers(5)).
dist_pkgdata_DATA = conf/providers
# PAM's file for Rohrpost where /etc/pam.d has none.
pampkgdatadir = $(pkgdatadir)/pam.d
dist_pampkgdata_DATA = conf/pam.d/rohrpost
# For the others: to be copied to where their init looks.
pkgdata_SCRIPTS = conf/rohrpost.init conf/rohrpost.openrc
CLEANFILES += conf/rohrpost.service conf/rohrpost.init conf/rohrpost.openrc \
	conf/sysusers.d/rohrpost.conf

PLACES = sed -e 's|@pkglibexecdir[@]|$(pkglibexecdir)|' \
	-e 's|@sbindir[@]|$(sbindir)|' \
	-e 's|@confdir[@]|$(sysconfdir)/rohrpost|' \
	-e 's|@statedir[@]|$(localstatedir)/lib/rohrpost|'
conf/rohrpost.service: conf/rohrpost.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) conf && \
	    $(PLACES) $(srcdir)/conf/rohrpost.service.in >$@.new && mv $@.new $@
conf/rohrpost.init: conf/rohrpost.init.in Makefile
	$(AM_V_GEN)$(MKDIR_P) conf && \
	    $(PLACES) $(srcdir)/conf/rohrpost.init.in >$@.new && mv $@.new $@
conf/rohrpost.openrc: conf/rohrpost.openrc.in Makefile
	$(AM_V_GEN)$(MKDIR_P) conf && \
	    $(PLACES) $(srcdir)/conf/rohrpost.openrc.in >$@.new && mv $@.new $@

# Users and groups of the programs, as their rows name them.
conf/sysusers.d/rohrpost.conf: lib/base/programs.def conf/sysusers.sed
	$(AM_V_GEN)$(MKDIR_P) conf/sysusers.d && sed -n \
	    -f $(srcdir)/conf/sysusers.sed $(srcdir)/lib/base/programs.def | \
	    LC_ALL=C sort -u >$@.new && mv $@.new $@

# The Debian package. debian/ of the unpacked tarball is conf/debian; the unit
# tests run where DEB_BUILD_OPTIONS does not say nocheck.
EXTRA_DIST += conf/debian conf/oci-image
DEB_REVISION = 1
DEB_BUILD_OPTIONS = nocheck
CLEANFILES += rohrpost_*.deb rohrpost-dbgsym_*.deb rohrpost_*.buildinfo \
	rohrpost_*.changes
.PHONY: deb
deb: dist-gzip
	rm -rf deb-build && mkdir deb-build
	tar -xzf $(distdir).tar.gz -C deb-build
	cd deb-build/$(distdir) && cp -r conf/debian debian && \
	    sed -e 's|@VERSION[@]|$(VERSION)-$(DEB_REVISION)|' \
	    -e "s|@DATE[@]|$$(date -R -r NEWS)|" debian/changelog.in \
	    >debian/changelog && rm debian/changelog.in && \
	    DEB_BUILD_OPTIONS='$(DEB_BUILD_OPTIONS)' \
	    dpkg-buildpackage -b -us -uc
	mv deb-build/rohrpost_* deb-build/rohrpost-dbgsym_* .
	rm -rf deb-build

# An image of the package that was made last. As root.
DEB = rohrpost_$(VERSION)-$(DEB_REVISION)_$$(dpkg --print-architecture).deb
CLEANFILES += rohrpost-*-oci.tar
.PHONY: oci
oci:
	test -e $(DEB) || $(MAKE) deb
	$(srcdir)/conf/oci-image $(DEB) rohrpost-$(VERSION)-oci.tar
