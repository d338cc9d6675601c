# man: see the top-level Makefile.am for what these lists are.
dist_man_MANS += man/rohrpost-master.8 man/rohrpost-logger.8
dist_man_MANS += man/rohrpost-relay.8 man/rohrpost-resolve.8
dist_man_MANS += man/rohrpost.8 man/rohrpost-sendmail.8 man/rohrpost.conf.5 \
	man/rohrpost-domains.5 man/rohrpost-users.5 man/rohrpost-aliases.5 \
	man/rohrpost-groups.5 man/rohrpost-tables.5
dist_man_MANS += man/rohrpost-auth.8 man/rohrpost-login.8 man/rohrpost-pop3d.8 \
	man/rohrpost-pam.8
dist_man_MANS += man/rohrpost-smtpd.8 man/rohrpost-pickup.8 \
	man/rohrpost-signer.8 man/rohrpost-dkim.5
dist_man_MANS += man/rohrpost-migrate.8 man/rohrpost-collect.8 \
	man/rohrpost-fetch.8
dist_man_MANS += man/rohrpost-queue.8 man/rohrpost-deliver.8
dist_man_MANS += man/rohrpost-sieve.5
dist_man_MANS += man/rohrpost-imapd.8
dist_man_MANS += man/rohrpost-store.8 man/rohrpost-mailboxes.5
dist_man_MANS += man/rohrpost-providers.5 man/rohrpost-scout.8 \
	man/rohrpost-trial.8 man/rohrpost-probe.8 man/rohrpost-admin.8
