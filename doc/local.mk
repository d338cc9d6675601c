# doc: see the top-level Makefile.am for what these lists are.
EXTRA_DIST += doc/internals.md

# What --json prints, a schema for each command.
jsonschemadir = $(pkgdatadir)/json
dist_jsonschema_DATA = \
	doc/json/alias-list.json doc/json/app-list.json doc/json/config-show.json \
	doc/json/config-explain.json \
	doc/json/dkim-show.json doc/json/dns-check.json doc/json/dns-show.json \
	doc/json/doctor.json doc/json/explain.json \
	doc/json/probe.json doc/json/profile-show.json \
	doc/json/domain-list.json doc/json/hash-check.json \
	doc/json/mailbox-list.json doc/json/mailbox-show.json \
	doc/json/collect-list.json doc/json/collect-test.json \
	doc/json/migrate.json doc/json/queue-list.json \
	doc/json/quota-list.json \
	doc/json/queue-show.json doc/json/selftest-jail.json doc/json/selftest-relay.json doc/json/session-list.json \
	doc/json/status.json doc/json/store-check.json doc/json/store-list.json \
	doc/json/trace.json doc/json/user-list.json
dist_jsonschema_DATA += doc/json/group-list.json \
	doc/json/sieve-list.json doc/json/sieve-test.json
