# po: words to the operator in other languages (doc/internals.md, Words).
# $(LANGUAGES) have a po/LL.po each; a tarball brings what msgfmt makes of it, so
# that who builds it needs no gettext.
LANGUAGES = de
CATALOGS = $(LANGUAGES:%=po/%/LC_MESSAGES/rohrpost.mo)
EXTRA_DIST += po/extract po/POTFILES po/rohrpost.pot po/de.po $(CATALOGS)
MAINTAINERCLEANFILES = $(CATALOGS)

germandir = $(localedir)/de/LC_MESSAGES
if WORDS
nodist_german_DATA = po/de/LC_MESSAGES/rohrpost.mo
endif

po/de/LC_MESSAGES/rohrpost.mo: po/de.po
	$(AM_V_GEN)test -n '$(MSGFMT)' || { \
	    echo "msgfmt is missing (Debian: apt-get install gettext)" >&2; exit 1; }; \
	$(MKDIR_P) $(@D) && $(MSGFMT) -c -o $@.new $(srcdir)/po/de.po && mv $@.new $@

# After a change of words: the template and the translations, for the translator
# (make -C BUILD update-po). What is new stands there untranslated.
.PHONY: update-po
update-po:
	cd $(srcdir) && po/extract '$(XGETTEXT)' >po/rohrpost.new && \
	    mv po/rohrpost.new po/rohrpost.pot && \
	    for l in $(LANGUAGES); do \
		$(MSGMERGE) -q --update --backup=none --no-fuzzy-matching \
		    --add-location=file po/$$l.po po/rohrpost.pot || exit 1; \
	    done
