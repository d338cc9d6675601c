/* Sieve: the examples of the RFCs, and what else a script may say. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/sieve/decide.h"

/* RFC 5228 8: message A. */
static const char message_a[] =
    "Date: Tue, 1 Apr 1997 09:06:31 -0800 (PST)\r\n"
    "From: coyote@desert.example.org\r\n"
    "To: roadrunner@acme.example.com\r\n"
    "Subject: I have a present for you\r\n"
    "\r\n"
    "Look, I'm sorry about the whole anvil thing, and I really\r\n"
    "didn't mean to try and drop it on you from the top of the\r\n"
    "cliff.\r\n";

/* ... and message B. */
static const char message_b[] =
    "From: youcouldberich!@reply-by-postal-mail.invalid\r\n"
    "Sender: b1ff@de.res.example.com\r\n"
    "To: rube@landru.example.com\r\n"
    "Date:  Mon, 31 Mar 1997 18:26:10 -0800\r\n"
    "Subject: $$$ YOU, TOO, CAN BE A MILLIONAIRE! $$$\r\n"
    "\r\n"
    "YOU MAY HAVE ALREADY WON TEN MILLION DOLLARS, BUT I DOUBT\r\n"
    "IT!\r\n";

static const char message_c[] =
    "Received: from a by b\r\n"
    "Received: from c by d\r\n"
    "From: \"Anna, M\xc3\xbcller\" <anna+lists@Example.test>\r\n"
    "To: ken+sieve@example.org, =?utf-8?q?Bj=C3=B6rn?= <b@x.test>,\r\n"
    "\tTeam: c@x.test, \"d e\"@x.test;\r\n"
    "Cc: undisclosed-recipients:;\r\n"
    "Subject: =?iso-8859-1?q?Gr=FC=DFe?=\r\n  aus [sieve] \tK=?utf-8?q?=C3=B6?=\r\n"
    "X-Priority: 007\r\n"
    "X-Empty:\r\n"
    "X-Stars: a*b\\c?d\r\n"
    "List-Id: <sieve.lists.example.org>\r\n"
    "MIME-Version: 1.0\r\n"
    "Content-Type: multipart/mixed; boundary=q\r\n"
    "\r\n"
    "prologue here\r\n"
    "--q\r\n"
    "Content-Type: text/plain; charset=iso-8859-1\r\n"
    "Content-Transfer-Encoding: quoted-printable\r\n"
    "\r\n"
    "Gr=FC=DFe und kein Ende\r\n"
    "--q\r\n"
    "Content-Type: application/octet-stream\r\n"
    "Content-Transfer-Encoding: base64\r\n"
    "\r\n"
    "c2VjcmV0IG9jdGV0cw==\r\n"
    "--q\r\n"
    "Content-Type: message/rfc822\r\n"
    "\r\n"
    "Subject: inner subject\r\n"
    "\r\n"
    "inner body\r\n"
    "--q--\r\n"
    "epilogue there\r\n";

static const struct decide a = { message_a, 0, "coyote@desert.example.org",
	"roadrunner@acme.example.com" };
static const struct decide b = { message_b, 0, "", "rube@landru.example.com" };
static const struct decide c = { message_c, 0, "Anna+lists@example.test",
	"ken+sieve@example.org" };

struct row {
	const struct decide *d;
	const char *script, *expected;
};

static void
rows(const struct row *r, size_t n)
{
	size_t i;
	const char *got;

	for (i = 0; i < n; i++) {
		got = decide(r[i].script, r[i].d);
		if (strcmp(got, r[i].expected) != 0)
			fail_msg("%s\ngives %s\nnot %s", r[i].script, got,
			    r[i].expected);
	}
}
#define ROWS(t) rows(t, sizeof(t) / sizeof((t)[0]))

/* A test, and whether it is true. */
struct truth {
	const char *test;
	int	 is;
};

static void
truths(const struct decide *d, const char *head, const struct truth *t,
    size_t n)
{
	char script[2000];
	const char *got;
	size_t i;

	for (i = 0; i < n; i++) {
		snprintf(script, sizeof(script), "%s if %s { discard; }",
		    head, t[i].test);
		got = decide(script, d);
		if (strcmp(got, t[i].is ? "-" : "keep") != 0)
			fail_msg("%s gives %s", t[i].test, got);
	}
}
#define TRUTHS(d, head, t) truths(d, head, t, sizeof(t) / sizeof((t)[0]))

/* RFC 5228 9: the extended example. */
static void
test_extended(void **state)
{
	static const char script[] =
	    "# Example Sieve Filter\n"
	    "# Declare any optional features or extension used by the script\n"
	    "#\n"
	    "require [\"fileinto\"];\n"
	    "#\n"
	    "# Handle messages from known mailing lists\n"
	    "# Move messages from IETF filter discussion list to filter mailbox\n"
	    "#\n"
	    "if header :is \"Sender\" \"owner-ietf-mta-filters@imc.org\"\n"
	    "        {\n"
	    "        fileinto \"filter\";  # move to \"filter\" mailbox\n"
	    "        }\n"
	    "#\n"
	    "# Keep all messages to or from people in my company\n"
	    "#\n"
	    "elsif address :DOMAIN :is [\"From\", \"To\"] \"example.com\"\n"
	    "        {\n"
	    "        keep;               # keep in \"In\" mailbox\n"
	    "        }\n"
	    "#\n"
	    "# Try and catch unsolicited email.  If a message is not to me,\n"
	    "# or it contains a subject known to be spam, file it away.\n"
	    "#\n"
	    "elsif anyof (NOT address :all :contains\n"
	    "               [\"To\", \"Cc\", \"Bcc\"] \"me@example.com\",\n"
	    "             header :matches \"subject\"\n"
	    "               [\"*make*money*fast*\", \"*university*dipl*mas*\"])\n"
	    "        {\n"
	    "        fileinto \"spam\";   # move to \"spam\" mailbox\n"
	    "        }\n"
	    "else\n"
	    "        {\n"
	    "        # Move all other (non-company) mail to \"personal\"\n"
	    "        # mailbox.\n"
	    "        fileinto \"personal\";\n"
	    "        }\n";
	const struct decide list = { "Sender: Owner-IETF-mta-filters@imc.org"
		"\r\n\r\n", 0, "", "" };
	const struct decide ours = { "From: <x@Example.COM>\r\n\r\n", 0, "",
		"" };
	const struct decide mine = { "To: me@example.com.test, "
		"me@example.com\r\nFrom: y@z.test\r\nSubject: hello\r\n\r\n",
		0, "", "" };
	const struct decide spam = { "To: Me <me@example.com.test>\r\n"
		"From: y@z.test\r\nSubject: MAKE your money Fast!\r\n\r\n", 0,
		"", "" };
	const struct decide rest = { "Cc: me@example.com.test\r\n"
		"From: y@z.test\r\n\r\n", 0, "", "" };
	const struct row t[] = {
		{ &a, script, "file:spam" },
		{ &list, script, "file:filter" },
		{ &ours, script, "keep" },
		{ &mine, script, "keep" },
		{ &spam, script, "file:spam" },
		{ &rest, script, "file:personal" },
	};

	ROWS(t);
}

/* Actions, the implicit keep, stop, and what follows an if. */
static void
test_actions(void **state)
{
	static const struct row t[] = {
		{ &a, "", "keep" },
		{ &a, "# nothing\r\n/* and\nnothing */", "keep" },
		{ &a, "discard;", "-" },
		{ &a, "discard; keep;", "keep" },
		{ &a, "stop; discard;", "keep" },
		{ &a, "if true { stop; } discard;", "keep" },
		{ &a, "require \"fileinto\"; fileinto \"a\"; fileinto \"a\";",
		    "file:a" },
		{ &a, "require \"fileinto\"; fileinto \"a\"; keep;",
		    "file:a keep" },
		{ &a, "require \"fileinto\"; fileinto \"inbox\";", "keep" },
		{ &a, "require \"fileinto\"; fileinto \"INBOX/x\";",
		    "file:INBOX/x" },
		{ &a, "redirect \"Bart@Example.Edu\"; redirect "
		    "\"bart@example.edu\";", "redirect:Bart@example.edu" },
		{ &a, "require \"copy\"; redirect :copy \"x@y.test\";",
		    "redirect:x@y.test keep" },
		{ &a, "require [\"copy\",\"fileinto\"]; fileinto :copy \"a\";"
		    "fileinto :copy \"b\";", "file:a file:b keep" },
		{ &a, "require [\"copy\",\"fileinto\"]; fileinto :copy \"a\";"
		    "fileinto \"b\";", "file:a file:b" },
		{ &a, "require [\"mailbox\",\"fileinto\"]; "
		    "fileinto :create \"a\";", "file:a+make" },
		{ &a, "if false { discard; } elsif true { keep; } "
		    "elsif true { discard; } else { discard; } ", "keep" },
		{ &a, "if false { keep; } elsif false { keep; } "
		    "else { discard; }", "-" },
		{ &a, "if true { if false { discard; } else { stop; } } "
		    "discard;", "keep" },
		{ &a, "KEEP; IF NOT TRUE { Discard; }", "keep" },
	};

	ROWS(t);
}

static void
test_base_tests(void **state)
{
	static const struct truth t[] = {
		{ "header :is \"Subject\" \"i have a present for you\"", 1 },
		{ "header :comparator \"i;octet\" :is \"Subject\" "
		    "\"i have a present for you\"", 0 },
		{ "header \"subject\" \"I have a present for you\"", 1 },
		{ "header :contains \"subject\" \"PRESENT\"", 1 },
		{ "header :contains \"subject\" \"\"", 1 },
		{ "header :contains \"absent\" \"\"", 0 },
		{ "header :matches \"subject\" \"*\"", 1 },
		{ "header :matches \"subject\" \"i *?a* present*you\"", 1 },
		{ "header :matches \"subject\" \"i*you?\"", 0 },
		{ "header [\"absent\",\"subject\"] [\"x\", "
		    "\"I have a present for you\"]", 1 },
		{ "address :is :all \"from\" \"coyote@desert.example.org\"",
		    1 },
		{ "address :localpart \"from\" \"coyote\"", 1 },
		{ "address :domain \"from\" \"DESERT.example.org\"", 1 },
		{ "address :domain :contains [\"to\",\"from\"] \"acme\"", 1 },
		{ "exists [\"From\",\"Date\"]", 1 },
		{ "exists [\"From\",\"X-None\"]", 0 },
		{ "not exists \"X-None\"", 1 },
		{ "size :over 100", 1 },
		{ "size :over 1K", 0 },
		{ "size :under 1k", 1 },
		{ "size :under 1G", 1 },
		{ "allof (true, not false, anyof (false, true))", 1 },
		{ "allof (true, false)", 0 },
		{ "anyof (false, false)", 0 },
	};
	static const struct truth u[] = {
		{ "envelope :all :is \"from\" \"coyote@desert.example.org\"",
		    1 },
		{ "envelope \"to\" \"roadrunner@acme.example.com\"", 1 },
		{ "envelope :domain [\"From\",\"TO\"] \"acme.example.com\"",
		    1 },
		{ "envelope :localpart \"from\" \"\"", 0 },
	};
	static const struct truth null[] = {
		{ "envelope \"from\" \"\"", 1 },
		{ "envelope :domain \"from\" \"\"", 1 },
		{ "envelope :localpart \"from\" \"\"", 1 },
		{ "envelope :contains \"from\" \"@\"", 0 },
		{ "address :all \"from\" "
		    "\"youcouldberich!@reply-by-postal-mail.invalid\"", 1 },
	};
	static const struct truth more[] = {
		{ "header \"subject\" \"Gr\xc3\xbc\xc3\x9f" "e  aus [sieve] "
		    "\tK\xc3\xb6\"", 1 },
		{ "header \"x-empty\" \"\"", 1 },
		{ "header :matches \"x-empty\" \"?\"", 0 },
		{ "address \"from\" \"anna+lists@example.test\"", 1 },
		{ "address :localpart \"to\" \"d e\"", 1 },
		{ "address :localpart \"to\" \"c\"", 1 },
		{ "address :domain \"to\" \"team\"", 0 },
		{ "address :contains \"cc\" \"\"", 0 },
		{ "header :matches \"x-stars\" \"a\\\\*b\\\\\\\\c\\\\?d\"", 1 },
		{ "header :matches \"x-stars\" \"a\\\\*b?c?d\"", 1 },
		{ "header :matches \"subject\" \"gr????e*\"", 1 },
	};

	TRUTHS(&a, "", t);
	TRUTHS(&a, "require \"envelope\";", u);
	TRUTHS(&b, "require \"envelope\";", null);
	TRUTHS(&c, "", more);
}

/* RFC 5229. */
static void
test_variables(void **state)
{
#define V "require [\"variables\",\"fileinto\",\"envelope\"];"
	static const struct row t[] = {
		/* 3. */
		{ &a, V "set \"company\" \"ACME\"; fileinto \"x&${}${=}"
		    "${company}&%${president}&&\";", "file:x&${}${=}ACME&%&&" },
		{ &a, V "set \"company\" \"ACME\"; "
		    "fileinto \"${Company}-${}${=}${president}\";",
		    "file:ACME-${}${=}" },
		{ &a, V "set \"a\" \"x\"; set \"b\" \"${a}\\${a}\"; "
		    "fileinto \"${b}\";", "file:xx" },
		{ &a, V "set \"x\" \"a\"; set \"y\" \"{x}\"; "
		    "fileinto \"$${y}${x}\";", "file:${x}a" },
		/* 3.2 */
		{ &c, V "if header :matches \"List-ID\" \"*<*@*\" { "
		    "fileinto \"INBOX.lists.${2}\"; } elsif header :matches "
		    "\"list-id\" \"<*.*>\" { fileinto \"l/${1}-${2}-${0}-"
		    "${3}\"; }", "file:l/sieve-lists.example.org-"
		    "<sieve.lists.example.org>-" },
		{ &c, V "if allof (header :matches \"subject\" \"*[*] *\", "
		    "envelope :matches \"to\" \"*+*@*\") { fileinto "
		    "\"${1}|${2}|${3}|${03}\"; }",
		    "file:ken|sieve|example.org|example.org" },
		/* One that does not match leaves them as they are. */
		{ &c, V "if header :matches \"list-id\" \"<*>\" {} "
		    "if header :matches \"list-id\" \"x*\" {} "
		    "fileinto \"${1}\";", "file:sieve.lists.example.org" },
		{ &c, V "if string :matches \"abcab\" \"*b?*\" { fileinto "
		    "\"${1},${2},${3}\"; }", "file:a,c,ab" },
		{ &c, V "if string :matches \"aXbXc\" \"*X*\" { fileinto "
		    "\"${1},${2}\"; }", "file:a,bXc" },
		{ &c, V "if string :matches \"aab\" \"*?b\" { fileinto "
		    "\"${1},${2}\"; }", "file:a,a" },
		/* 4. */
		{ &a, V "set \"a\" \"juMBlEd lETteRS\"; set :length \"b\" "
		    "\"${a}\"; set :lower \"c\" \"${a}\"; set :upperfirst "
		    "\"d\" \"${a}\"; set :upperfirst :lower \"e\" \"${a}\"; "
		    "fileinto \"${b},${c},${d},${e}\";",
		    "file:15,jumbled letters,JuMBlEd lETteRS,Jumbled letters" },
		{ &a, V "set :quotewildcard \"a\" \"Rock*?\\\\\"; "
		    "fileinto \"${a}\";", "file:Rock\\*\\?\\\\" },
		{ &a, V "set :length \"a\" \"\xc3\xbcx\"; fileinto \"${a}\";",
		    "file:2" },
		{ &a, V "set :length :quotewildcard \"a\" \"a*\"; "
		    "fileinto \"${a}\";", "file:3" },
		{ &a, V "set :upper :lowerfirst \"a\" \"abc\"; "
		    "fileinto \"${a}\";", "file:aBC" },
		/* 5. */
		{ &a, V "set \"state\" \"${state} pending\"; if string "
		    ":matches \" ${state} \" \"* pending *\" { discard; }",
		    "-" },
		{ &a, V "set \"1\" \"x\";", "refused: line 1, column 49: "
		    "1 cannot be the name of a variable" },
		{ &a, V "set \"a\" \"${x.y}\";", "refused: line 1, column 53: "
		    "no extension has the variable x.y" },
		{ &a, V "set \"${a}\" \"x\";", "refused: line 1, column 49: "
		    "a variable may not stand here" },
		{ &a, V "set :lower :upper \"a\" \"x\";", "refused: line 1, "
		    "column 56: :upper, where something of its kind stood "
		    "before" },
		{ &a, V "redirect \"${a}@\";", "error: line 1: redirect: @ is "
		    "no address" },
		{ &a, "require \"fileinto\"; fileinto \"${a}\";",
		    "file:${a}" },
	};

	ROWS(t);
}

/* RFC 5232, 5490. */
static void
test_flags(void **state)
{
#define F "require [\"imap4flags\",\"fileinto\",\"variables\"," \
	"\"relational\",\"mailbox\",\"copy\"];"
	static const struct row t[] = {
		{ &a, F "setflag \"\\\\Deleted\"; fileinto \"x\"; "
		    "addflag \"$label\"; keep;",
		    "file:x(\\Deleted) keep(\\Deleted $label)" },
		{ &a, F "addflag [\"\\\\seen\",\"a b\"]; removeflag \"A\";",
		    "keep(\\Seen b)" },
		{ &a, F "addflag \"a b c\"; removeflag [\"c\",\"B\"]; "
		    "addflag \"d\";", "keep(a d)" },
		{ &a, F "addflag \"a\"; keep :flags \"\\\\Flagged\"; ",
		    "keep(\\Flagged)" },
		{ &a, F "addflag \"a\"; keep :flags \"\"; ", "keep" },
		{ &a, F "fileinto :flags [\"\\\\Seen\",\"x (\"] :copy \"y\";",
		    "file:y(\\Seen x) keep" },
		{ &a, F "setflag \"v\" [\"a\",\"b\"]; addflag \"v\" \"B c\"; "
		    "fileinto :flags \"${v}\" \"x\";", "file:x(a b c)" },
		{ &a, F "setflag \"\\\\recent \\\\odd\"; ", "keep" },
		{ &a, F "setflag \"v\" \"a\"; setflag \"v\" \"${v} b\"; "
		    "keep :flags \"${v}\";", "keep(a b)" },
		{ &a, F "addflag \"\\\\Answered x\"; if hasflag \"X\" { "
		    "discard; }", "-" },
		{ &a, F "addflag \"\\\\Answered x\"; if hasflag :contains "
		    "\"swer\" { discard; }", "-" },
		{ &a, F "setflag \"v\" \"a b c\"; if hasflag :count \"ge\" "
		    "\"v\" \"2\" { discard; }", "-" },
		{ &a, F "if hasflag \"x\" { discard; }", "keep" },
		{ &a, F "if mailboxexists [\"Archive\",\"Lists/a\"] { "
		    "fileinto :create \"Archive\"; }", "file:Archive+make" },
		{ &a, F "if mailboxexists [\"Archive\",\"x\"] { discard; }",
		    "keep" },
		{ &a, "require \"imap4flags\"; setflag \"v\" \"x\";",
		    "refused: line 1, column 23: setflag needs: require "
		    "\"variables\";" },
	};

	ROWS(t);
}

/* RFC 5231, 5233, 5173, 5463, and encoded characters. */
static void
test_extensions(void **state)
{
	static const struct truth relational[] = {
		{ "header :value \"gt\" :comparator \"i;ascii-numeric\" "
		    "\"x-priority\" \"3\"", 1 },
		{ "header :value \"eq\" :comparator \"i;ascii-numeric\" "
		    "\"x-priority\" \"7\"", 1 },
		{ "header :is :comparator \"i;ascii-numeric\" "
		    "\"x-priority\" \"7 or so\"", 1 },
		{ "header :value \"lt\" :comparator \"i;ascii-numeric\" "
		    "\"x-priority\" \"none\"", 1 },
		{ "header :value \"eq\" :comparator \"i;ascii-numeric\" "
		    "\"subject\" \"none\"", 1 },
		{ "header :value \"lt\" \"x-priority\" \"1\"", 1 },
		{ "header :value \"ne\" \"x-priority\" \"007\"", 0 },
		{ "header :count \"eq\" \"received\" \"2\"", 1 },
		{ "header :count \"ge\" :comparator \"i;ascii-numeric\" "
		    "[\"received\",\"subject\",\"x-none\"] \"3\"", 1 },
		{ "address :count \"gt\" :comparator \"i;ascii-numeric\" "
		    "\"to\" \"3\"", 1 },
		{ "header :count \"eq\" \"x-none\" \"0\"", 1 },
		{ "string :count \"eq\" [\"\",\"a\",\"b\"] \"2\"", 1 },
	};
	static const struct truth subaddress[] = {
		{ "address :user \"from\" \"anna\"", 1 },
		{ "address :detail \"from\" \"lists\"", 1 },
		{ "address :user \"to\" \"b\"", 1 },
		{ "address :detail :contains \"cc\" \"\"", 0 },
		{ "address :count \"eq\" :detail \"to\" \"4\"", 1 },
		{ "envelope :detail \"to\" \"sieve\"", 1 },
		{ "envelope :localpart \"to\" \"ken+sieve\"", 1 },
	};
	static const struct truth body[] = {
		{ "body :raw :contains \"Gr=FC=DFe\"", 1 },
		{ "body :contains \"gr\xc3\xbc\xc3\x9f" "e und\"", 1 },
		{ "body :text :contains \"secret\"", 0 },
		{ "body :content \"application\" :is \"secret octets\"", 1 },
		{ "body :content \"\" :contains \"secret octets\"", 1 },
		{ "body :content \"text/plain\" :matches \"*kein Ende*\"", 1 },
		{ "body :content \"text/html\" :contains \"\"", 0 },
		{ "body :content \"text/\" :contains \"\"", 0 },
		{ "body :content \"multipart\" :contains \"prologue here\"",
		    1 },
		{ "body :content \"multipart/mixed\" :contains "
		    "\"epilogue there\"", 1 },
		{ "body :content \"multipart\" :contains \"--q\"", 0 },
		{ "body :content \"message/rfc822\" :contains "
		    "\"inner subject\"", 1 },
		{ "body :content \"message/rfc822\" :contains "
		    "\"inner body\"", 0 },
		{ "body :text :contains \"inner body\"", 1 },
		{ "body :raw :matches \"*received: *\"", 0 },
	};
	static const struct row more[] = {
		{ &a, "require [\"encoded-character\",\"fileinto\"]; "
		    "fileinto \"$${hex:40}x${HEX:41 42\t43}\";",
		    "file:$@xABC" },
		{ &a, "require [\"encoded-character\",\"fileinto\"]; "
		    "fileinto \"${unicode: 20aC }${hex:}${hex:4}${hex:40\";",
		    "file:\xe2\x82\xac${hex:}${hex:4}${hex:40" },
		{ &a, "require \"encoded-character\";\nif header \"a\" "
		    "\"${unicode:D800}\" {}", "refused: line 2, column 15: "
		    "${unicode:...} names no character" },
		{ &a, "require [\"encoded-character\",\"variables\","
		    "\"fileinto\"]; set \"x\" \"v\"; "
		    "fileinto \"${hex:24}{x}\";", "file:v" },
		{ &a, "require \"ihave\"; if ihave \"fileinto\" { fileinto "
		    "\"x\"; } else { discard; }", "file:x" },
		{ &a, "require \"ihave\"; if ihave [\"fileinto\",\"odd\"] { "
		    "odd :x \"y\" { z; } } else { discard; }", "-" },
		{ &a, "require \"ihave\";\nodd \"y\";", "error: line 2: "
		    "no command odd" },
		{ &a, "require \"ihave\"; discard; if not ihave \"vacation\" "
		    "{\nerror \"not here\"; }", "error: line 2: not here" },
		{ &a, "require \"ihave\"; if anyof (true, odd 7) { discard; }",
		    "-" },
		{ &a, "require \"ihave\"; if header :odd \"a\" \"b\" { "
		    "discard; }", "error: line 1: header knows no :odd" },
		/* RFC 5173 6: body sets no variable. */
		{ &c, "require [\"body\",\"variables\",\"fileinto\"]; "
		    "if header :matches \"x-priority\" \"0*\" {} "
		    "if body :matches \"*kein*\" { fileinto \"${1}\"; }",
		    "file:07" },
	};

	TRUTHS(&c, "require [\"relational\",\"variables\","
	    "\"comparator-i;ascii-numeric\"];", relational);
	TRUTHS(&c, "require [\"subaddress\",\"envelope\",\"relational\"];", subaddress);
	TRUTHS(&c, "require \"body\";", body);
	ROWS(more);
}

/* What the check refuses, with the place. */
static void
test_refused(void **state)
{
	static const struct row t[] = {
		{ &a, "keep", "refused: line 1, column 5: \";\" is expected" },
		{ &a, "keep;\n  keip;", "refused: line 2, column 3: "
		    "no command keip" },
		{ &a, "fileinto \"x\";", "refused: line 1, column 1: "
		    "fileinto needs: require \"fileinto\";" },
		{ &a, "require \"vacation\";", "refused: line 1, column 9: "
		    "the extension vacation is not known" },
		{ &a, "keep; require \"fileinto\";", "refused: line 1, "
		    "column 7: require stands in front of everything else" },
		{ &a, "else { keep; }", "refused: line 1, column 1: "
		    "else without an if in front of it" },
		{ &a, "if true { keep; } keep; elsif true { keep; }",
		    "refused: line 1, column 25: elsif without an if in "
		    "front of it" },
		{ &a, "if true keep;", "refused: line 1, column 1: if takes "
		    "a block in braces" },
		{ &a, "if keep { }", "refused: line 1, column 4: "
		    "keep is a command, where a test is expected" },
		{ &a, "true;", "refused: line 1, column 1: "
		    "true is a test, where a command is expected" },
		{ &a, "if true { keep;", "refused: line 1, column 16: "
		    "\"}\" is expected" },
		{ &a, "keep \"x\";", "refused: line 1, column 6: "
		    "keep: there are too many arguments" },
		{ &a, "redirect;", "refused: line 1, column 1: redirect: "
		    "a string is expected" },
		{ &a, "redirect 7;", "refused: line 1, column 10: redirect: "
		    "a string is expected" },
		{ &a, "redirect \"nobody\";", "refused: line 1, column 10: "
		    "redirect: nobody is no address" },
		{ &a, "redirect \"a@b.test\" :copy;", "refused: line 1, "
		    "column 21: redirect: a tag stands in front of the other "
		    "arguments" },
		{ &a, "if header \"a\" :is \"b\" {}", "refused: line 1, "
		    "column 15: header: a string or a list of strings is "
		    "expected" },
		{ &a, "if header :is :contains \"a\" \"b\" {}", "refused: "
		    "line 1, column 15: :contains, where something of its "
		    "kind stood before" },
		{ &a, "if header :over \"a\" \"b\" {}", "refused: line 1, "
		    "column 11: header knows no :over" },
		{ &a, "if header :comparator \"i;odd\" \"a\" \"b\" {}",
		    "refused: line 1, column 23: no comparator i;odd" },
		{ &a, "if header :comparator \"i;ascii-numeric\" \"a\" \"b\" "
		    "{}", "refused: line 1, column 23: i;ascii-numeric needs: "
		    "require \"comparator-i;ascii-numeric\";" },
		{ &a, "require \"comparator-i;ascii-numeric\"; if header "
		    ":contains :comparator \"i;ascii-numeric\" \"a\" \"b\" {}",
		    "refused: line 1, column 42: i;ascii-numeric compares "
		    "whole numbers, no parts of them" },
		{ &a, "if header :count \"gt\" \"a\" \"b\" {}", "refused: "
		    "line 1, column 11: :count needs: require "
		    "\"relational\";" },
		{ &a, "require \"relational\"; if header :count \"x\" \"a\" "
		    "\"b\" {}", "refused: line 1, column 40: gt, ge, lt, le, "
		    "eq or ne is expected" },
		{ &a, "if size 7 {}", "refused: line 1, column 4: size: "
		    ":over or :under is expected" },
		{ &a, "if size :over 7X {}", "refused: line 1, column 15: "
		    "this is no number" },
		{ &a, "if size :over 99999999999 {}", "refused: line 1, "
		    "column 15: the number is too large" },
		{ &a, "if address \"subject\" \"x\" {}", "refused: line 1, "
		    "column 12: address: subject is no field with addresses" },
		{ &a, "require \"envelope\"; if envelope \"cc\" \"x\" {}",
		    "refused: line 1, column 33: envelope: cc is neither from "
		    "nor to" },
		{ &a, "if allof true {}", "refused: line 1, column 4: allof "
		    "takes tests in parentheses" },
		{ &a, "if not (true) {}", "refused: line 1, column 4: not "
		    "takes one test" },
		{ &a, "if not {}", "refused: line 1, column 4: not takes one "
		    "test" },
		{ &a, "stop true;", "refused: line 1, column 6: stop takes no "
		    "test" },
		{ &a, "keep { stop; }", "refused: line 1, column 1: keep "
		    "takes no block" },
		{ &a, "if true;", "refused: line 1, column 1: if takes a "
		    "block in braces" },
		{ &a, "redirect \"a", "refused: line 1, column 10: the string "
		    "has no end" },
		{ &a, "/* a", "refused: line 1, column 1: the comment has no "
		    "end" },
		{ &a, "redirect text:\na@b.test\n", "refused: line 1, "
		    "column 10: the text has no line with a dot alone" },
		{ &a, "redirect text: x\n.\n;", "refused: line 1, column 10: "
		    "a line end is expected behind text:" },
		{ &a, "redirect [];", "refused: line 1, column 11: a string "
		    "is expected" },
		{ &a, "if header [\"a\" \"b\"] \"c\" {}", "refused: line 1, "
		    "column 16: \",\" or \"]\" is expected" },
		{ &a, "\xff", "refused: line 1, column 1: this is not "
		    "UTF-8" },
		{ &a, "?", "refused: line 1, column 1: a character that means "
		    "nothing here" },
		{ &a, "}", "refused: line 1, column 1: a command or a test is "
		    "expected" },
		{ &a, "require [\"fileinto\",\"mailbox\"]; "
		    "fileinto :create \"a//b\";", "refused: line 1, "
		    "column 50: fileinto: a//b cannot be a mailbox" },
	};

	ROWS(t);
	assert_string_equal(decide_after(NULL, "keep\0;", 6, &a),
	    "refused: line 1, column 5: a NUL octet");
}

/* Strings: quoted, of several lines, dots. */
static void
test_strings(void **state)
{
#define S "require [\"fileinto\",\"variables\",\"relational\"];"
	static const struct row t[] = {
		{ &a, S "fileinto \"a\\\"b\\c\\\\\";", "file:a\"bc\\" },
		{ &a, S "set \"x\" text:  # a comment\r\n..a\r\nb\r\n.\r\n; "
		    "if string :is \"${x}\" \".a\r\nb\r\n\" { discard; }",
		    "-" },
		{ &a, S "set \"x\" text: \r\na\r\n.\r\n; "
		    "if string :is \"${x}\" \"a\r\n\" { discard; }", "-" },
		{ &a, S "set \"x\" text:\n.a\n\n.\n; "
		    "if string :is \"${x}\" \"a\r\n\r\n\" { discard; }",
		    "-" },
		{ &a, S "set \"x\" TEXT:\n.\n; "
		    "if string :is \"${x}\" \"\" { discard; }", "-" },
		{ &a, S "set\"x\"\"a\";fileinto\"${x}\";", "file:a" },
	};

	ROWS(t);
	/* A mark of an editor in front. */
	assert_string_equal(decide("\xef\xbb\xbf" "discard;", &a), "-");
}

/* A script of the system, and then the user's. */
static void
test_two(void **state)
{
	static const char before[] = "require [\"fileinto\",\"imap4flags\","
	    "\"copy\"]; if header :contains \"subject\" \"$$$\" { fileinto "
	    "\"Junk\"; stop; } addflag \"$seen-here\"; fileinto :copy "
	    "\"All\";";

	assert_string_equal(decide_after(before, "discard;", 8, &b),
	    "file:Junk");
	assert_string_equal(decide_after(before, "", 0, &a),
	    "file:All($seen-here) keep($seen-here)");
	assert_string_equal(decide_after(before, "discard;", 8, &a),
	    "file:All($seen-here)");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_extended),
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_base_tests),
		cmocka_unit_test(test_variables),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
