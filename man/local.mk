# man: see the top-level Makefile.am for what these lists are.
dist_man_MANS += man/rohrpost-master.8 man/rohrpost-logger.8
dist_man_MANS += man/rohrpost-relay.8 man/rohrpost-resolve.8
