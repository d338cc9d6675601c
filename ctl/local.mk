# ctl: see the top-level Makefile.am for what these lists are.
