# doc: see the top-level Makefile.am for what these lists are.
EXTRA_DIST += doc/internals.md
