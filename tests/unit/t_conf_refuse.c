/*
 * conf: every way to spoil a configuration, each with what is said about it.
 */
#include "conf_file.h"

#define VAL(text)	"validators = ( { " text " } );"
#define RUN		"name = \"v\"; command = [\"/bin/x\"];"
#define HOOK		"name = \"v\"; type = \"webhook\";"
#define URL		"url = \"https://x/\"; secret_file = \"x\";"

static const struct {
	enum part	 part;
	const char	*text;
	const char	*error;
} refused[] = {
	/* syntax */
	{ G, "user = ;", "scepd.conf:1: syntax error" },
	{ G, "\n\nuser = \"a\"; user = \"b\";",
	  "scepd.conf:3: duplicate setting name" },
	{ G, "\n@include \"x\"", "scepd.conf:2: @include is not supported" },
	{ P, PROF "\n eku = [\"a];", "scepd.conf:10: this text does not end "
	  "on its line; add the closing double quote" },
	{ C, CHAL "\n\n\"", "scepd.conf:14: this text does not end" },
	{ G, "user = \"a\\\n\";", "scepd.conf:1: this text does not end" },
	{ G, "\n/* ", "scepd.conf:2: this comment does not end; add */" },
	{ E, EP RA "\nenabled = yes;", "scepd.conf:4: no such value; write "
	  "true, false, a number, or text in double quotes" },
	{ G, "\nuser /* who */ = // here\n scepd;", "scepd.conf:3: no such" },
	/* unknown settings, on every level */
	{ G, "\ncolour = 1;", "scepd.conf:2: colour: unknown setting" },
	{ G, "http: { lisen = \"\"; };",
	  "scepd.conf:1: http.lisen: unknown setting" },
	{ G, "tls: { };", "scepd.conf:1: tls: unknown setting" },
	{ G, "http: {\n sub: { x = 1; };\n};",
	  "scepd.conf:2: http.sub: unknown setting" },
	{ E, EP RA "\ncolour = 1;",
	  "scepd.conf:4: endpoints[0].colour: unknown setting" },
	{ I, LOCAL "colour = 1;",
	  "scepd.conf:6: issuers[0].colour: unknown setting" },
	{ P, PROF "colour: { };",
	  "scepd.conf:9: profiles[0].colour: unknown setting" },
	{ C, CHAL "colour = [];",
	  "scepd.conf:12: challenges[0].colour: unknown setting" },
	/* wrong types */
	{ G, "user = 1;", "scepd.conf:1: user: wrong type; expects text" },
	{ G, "http = 1;", "scepd.conf:1: http: wrong type; expects a group" },
	{ G, "store: { path = true; };",
	  "store.path: wrong type; expects text" },
	{ G, "http: { max_body = \"5\"; };",
	  "http.max_body: wrong type; expects a whole number" },
	{ G, "http: { max_body = 2000.5; };",
	  "http.max_body: wrong type; expects a whole number" },
	{ G, "http: { max_body: { x = 1; }; };",
	  "http.max_body: wrong type; expects a whole number" },
	{ G, "http: { idle_timeout = \"soon\"; };",
	  "http.idle_timeout: wrong type; expects seconds or a duration" },
	{ G, "http: { idle_timeout = true; };",
	  "http.idle_timeout: wrong type; expects seconds or a duration" },
	{ G, "log: { level = 3; };", "log.level: wrong type; expects a word" },
	{ E, EP RA "enabled = 1;", "enabled: wrong type; expects true or f" },
	{ E, EP RA "renew: { trusted = [\"credential:\"]; };",
	  "renew.trusted: credential: needs a plain name" },
	{ E, EP RA "renew: { key = \"old\"; };",
	  "choose from \"any\", \"new\", \"same\"" },
	{ E, EP RA "renew: { window_share = 100; };", "renew.window_share: "
	  "100 is out of range 0..99" },
	{ E, EP RA "paths = \"/scep\";",
	  "paths: wrong type; expects a list of texts" },
	{ E, EP RA "paths = [1];",
	  "paths: wrong type; expects a list of texts" },
	/* out of range */
	{ G, "\nhttp: {\nmax_body = 5; };", "scepd.conf:3: http.max_body: 5 "
	  "is out of range 1024..1048576; choose a value within it" },
	{ G, "http: { max_body = -5; };", "-5 is out of range 1024..1048576" },
	{ G, "http: { max_body = 1048577; };", "1048577 is out of range" },
	/* 1024 and 65536 if cut to 32 bits */
	{ G, "http: { max_body = 4294968320; };", "4294968320 is out of" },
	{ G, "http: { max_body = 0x100010000; };", "4295032832 is out of" },
	{ G, "http: { max_body = 99999999999999999999; };", "is out of range" },
	{ G, "http: { max_body = 4294968320L; };", "4294968320 is out of" },
	{ G, "http: { idle_timeout = 0; };",
	  "0 seconds are out of range 1s..1h" },
	{ G, "http: { idle_timeout = \"2h\"; };",
	  "7200 seconds are out of range 1s..1h; choose a value" },
	{ P, PROF "validity = 59;", "59 seconds are out of range 1m..100y" },
	{ G, "log: { level = \"loud\"; };", "scepd.conf:1: log.level: unknown "
	  "word; choose from \"crit\", \"err\", \"warn\"" },
	{ P, PROF "key_types = [\"rsa\", \"dsa\"];", "scepd.conf:9: "
	  "profiles[0].key_types: unknown word \"dsa\"; choose from \"rsa\", \"ec\"" },
	{ P, PROF "san = [\"x\"];", "unknown word \"x\"; choose from \"dns\", \"email\", \"uri\"" },
	{ E, EP RA "legacy = [\"3des\"];", "endpoints[0].legacy: unknown "
	  "word \"3des\"; choose from \"des\", \"md5\"" },
	{ E, EP RA "refuse = [\"md5\"];", "endpoints[0].refuse: unknown "
	  "word \"md5\"; choose from \"3des\", \"sha1\"" },
	{ E, EP RA "ec_reply = \"none\";", "choose from \"password\", "
	  "\"kari\"" },
	{ P, PROF "eku = [\"\"];", "profiles[0].eku: has an empty item" },
	{ P, PROF "crl_urls = [\"1\", \"2\", \"3\", \"4\", \"5\"];",
	  "profiles[0].crl_urls: has 5 items, at most 4 are possible" },
	{ G, "user = \"0123456789012345678901234567890123456789012345678901"
	  "2345678901234\";", "user: is longer than 64 characters" },
	{ G, "user = \"a\\nb\";", "user: contains a control character" },
	{ G, "user = \"\xc3\x28\";", "user: is not UTF-8" },
	{ G, "store: { path = \"\"; };", "store.path: is empty; give" },
	{ G, "http: { listen = \"\"; };",
	  "http.listen: is empty; give a value, the word none for none" },
	{ G, "http: { listen = \"8080\"; };",
	  "http.listen: \"8080\" is not ADDRESS:PORT" },
	/* listeners */
	{ G, "http: { listen = \"none\"; };", "http.listen: nothing would listen" },
	{ G, "http: { tls_listen = \"8443\"; };",
	  "http.tls_listen: \"8443\" is not ADDRESS:PORT" },
	{ G, "http: { tls_listen = \"[::]:8443\"; };",
	  "http.tls_listen: has no certificate to show; give http.tls_cert" },
	{ G, "http: { tls_cert = \"a\"; tls_key = \"b\"; };",
	  "http.tls_cert: nothing listens with it" },
	{ G, "http: { tls_listen = \"[::]:1\"; tls_cert = \"a\"; };",
	  "http.tls_cert: has no key beside it; give http.tls_key" },
	{ G, "http: { tls_key = \"a\"; };",
	  "http.tls_key: has no certificate beside it; give http.tls_cert" },
	{ G, "http: { tls_key_passphrase = \"a\"; };",
	  "http.tls_key_passphrase: has no key beside it" },
	{ G, "admin: { listen = \"admin.sock\"; };",
	  "admin.listen: \"admin.sock\" is not ADDRESS:PORT" },
	{ G, "admin: { listen = \"0.0.0.0:1\"; };",
	  "admin.listen: \"0.0.0.0:1\" can be reached from other machines" },
	{ G, "admin: { listen = \"[::]:1\"; };", "can be reached from other" },
	{ G, "admin: { listen = \"192.0.2.127:1\"; };", "can be reached" },
	{ G, "admin: { listen = \"[::ffff:127.0.0.1]:1\"; };", "can be reached" },
	{ G, "admin: { listen = \"127.0.0.1:1\"; };",
	  "admin.listen: nobody could use it; add an entry to accounts" },
	{ G, "ndes: { endpoint = \"x\"; };",
	  "ndes.endpoint: \"x\" is not the name of an entry in endpoints" },
	{ G, "ndes: { endpoint = \"e\"; };",
	  "ndes.endpoint: the page is served by admin.listen" },
	{ G, "ndes: { single = \"f\"; };", "ndes.single: no page shows it" },
	{ G, "accounts = ( { name = \"a\"; " HASH " } );",
	  "accounts[0].rights: is missing" },
	{ G, "accounts = ( { name = \"a\"; rights = [\"ndes\"]; } );",
	  "accounts[0]: has no hash" },
	{ G, "accounts = ( { name = \"a\"; " HASH " rights = []; } );",
	  "accounts[0].rights: is empty" },
	{ G, "accounts = ( { name = \"a\"; " HASH " rights = [\"x\"]; } );",
	  "accounts[0].rights: unknown word \"x\"" },
	{ G, "accounts = ( { name = \"a:b\"; " HASH
	  " rights = [\"ndes\"]; } );", "\"a:b\" has a colon in it" },
	{ G, "accounts = ( { name = \"a\"; " HASH " rights = [\"ndes\"];"
	  " endpoints = [\"x\"]; } );",
	  "accounts[0].endpoints: \"x\" is not the name of an entry" },
	{ G, "accounts = ( { name = \"a\"; " HASH " rights = [\"ndes\"]; },"
	  " { name = \"a\"; " HASH " rights = [\"ndes\"]; } );",
	  "accounts[1].name: \"a\" is the name of an entry above" },
	{ G, "accounts = ( { name = \"a\"; " HASH " rights = [\"ndes\"];"
	  " profiles = [\"p\", \"x\"]; } );",
	  "accounts[0].profiles: \"x\" is not the name of an entry" },
	{ G, "accounts = ( { name = \"a\"; " HASH " rights = [\"ndes\"];"
	  " auth = \"password\"; } );", "accounts[0].auth: " },
	{ G, "accounts = ( { name = \"a\"; " HASH " rights = [\"ndes\"];"
	  " max_uses = 0; } );", "accounts[0].max_uses: 0 is out of range" },
	{ G, "accounts = ( { name = \"a\"; " HASH " rights = [\"ndes\"];"
	  " max_ttl = \"2y\"; } );", "accounts[0].max_ttl: " },
	{ G, "accounts = ( { name = \"a\"; " HASH " rights = [\"ndes\"];"
	  " certificate = \"CN=a\"; } );",
	  "accounts[0].certificate: is for auth = \"certificate\"" },
	{ G, "accounts = ( { name = \"a\"; " HASH " rights = [\"ndes\"];"
	  " auth = \"certificate\"; certificate = \"CN=a\"; } );",
	  "accounts[0].hash: is not for auth = \"certificate\"" },
	{ G, "accounts = ( { name = \"a\"; rights = [\"ndes\"];"
	  " auth = \"certificate\"; } );", "accounts[0]: has no certificate" },
	{ G, "accounts = ( { name = \"a\"; rights = [\"ndes\"];"
	  " auth = \"bearer\"; } );", "accounts[0]: has no hash" },
	{ G, "accounts = ( { name = \"a\"; rights = [\"ndes\"];"
	  " auth = \"certificate\"; certificate = \"CN=a\"; } );",
	  "accounts[0].certificate: is never asked for; give admin.client_ca" },
	{ G, "admin: { listen = \"127.0.0.1:1\"; tls_cert = \"a\";"
	  " tls_key = \"b\"; client_ca = \"c\"; }; accounts = ("
	  " { name = \"a\"; rights = [\"ndes\"]; auth = \"certificate\";"
	  " certificate = \"CN=a\"; }, { name = \"b\"; rights = [\"ndes\"];"
	  " auth = \"certificate\"; certificate = \"CN=a\"; } );",
	  "accounts[1].certificate: is that of account a too" },
	{ G, "admin: { listen = \"127.0.0.1:1\"; tls_cert = \"a\";"
	  " tls_key = \"b\"; client_ca = \"c\"; };",
	  "admin.listen: nobody could use it; add an entry to accounts" },
	{ G, "admin: { listen = \"127.0.0.1:1\"; tls_cert = \"a\";"
	  " tls_key = \"b\"; client_crl = \"c\"; };",
	  "admin.client_crl: has no CA; give admin.client_ca" },
	{ G, "admin: { listen = \"127.0.0.1:1\"; group = \"a\"; };",
	  "admin.group: is for a Unix socket" },
	{ G, "admin: { listen = \"127.0.0.1:1\"; client_ca = \"a\"; };",
	  "admin.client_ca: is for TLS; give admin.tls_cert" },
	{ G, "admin: { listen = \"/a\"; tls_cert = \"a\"; tls_key = \"b\"; };",
	  "admin.tls_cert: nothing listens with it" },
	{ G, "http: { listen = \"::1:65536\"; };", "is not ADDRESS:PORT" },
	{ G, "http: { listen = \"::1:\"; };", "is not ADDRESS:PORT" },
	{ G, "http: { listen = \"::1:8o\"; };", "is not ADDRESS:PORT" },
	/* required */
	{ E, REFS RA, "scepd.conf:2: endpoints[0].name: is missing" },
	{ E, EP RA "\n}, { name = \"f\";",
	  "scepd.conf:4: endpoints[1].issuer: is missing" },
	{ E, "name = \"\"; " REFS RA, "endpoints[0].name: is empty" },
	{ I, "name = \"i\"; key = \"ca.key\";", "issuers[0].cert: is missing" },
	{ I, "name = \"i\"; cert = \"\";", "issuers[0].cert: is empty" },
	/* names */
	{ E, EP RA "\n}, {\n" EP RA, "scepd.conf:5: endpoints[1].name: \"e\" "
	  "is the name of an entry above" },
	{ C, CHAL "}, {" CHAL, "challenges[1].name: \"c\" is the name of an" },
	{ E, "name = \"e\"; issuer = \"x\"; profile = \"p\"; " RA
	  "challenges = [\"c\"];", "scepd.conf:3: endpoints[0].issuer: \"x\" "
	  "is not the name of an entry in issuers" },
	{ E, "name = \"e\"; issuer = \"i\"; profile = \"x\"; " RA
	  "challenges = [\"c\"];",
	  "profile: \"x\" is not the name of an entry in profiles" },
	{ E, "name = \"e\"; issuer = \"i\"; profile = \"p\"; " RA
	  "challenges = [\"c\", \"x\"];",
	  "challenges: \"x\" is not the name of an entry in challenges" },
	/* endpoints */
	{ E, EP "ra_key = \"ra.key\";",
	  "scepd.conf:2: endpoints[0].ra_cert: is missing; mode \"ra\" needs" },
	{ E, EP "ra_cert = \"ra.pem\";", "ra_key: is missing; mode \"ra\"" },
	{ E, EP "mode = \"ca\"; ra_cert = \"x\";",
	  "scepd.conf:3: endpoints[0].ra_cert: is for mode \"ra\"" },
	{ E, EP "mode = \"ca\"; ra_key = \"x\";", "ra_key: is for mode" },
	{ E, EP "mode = \"ca\"; ra_key_passphrase = \"x\";",
	  "ra_key_passphrase: is for mode \"ra\"" },
	{ E, "name = \"a b\"; " REFS RA, "endpoints[0].name: \"a b\" cannot "
	  "stand in the path /scep/NAME" },
	{ E, "name = \"a/b\"; " REFS RA, "\"a/b\" cannot stand in the path" },
	{ E, "name = \"a%41\"; " REFS RA, "\"a%41\" cannot stand in" },
	{ E, "name = \"\xc3\xa4\"; " REFS RA, "cannot stand in the path" },
	{ E, "name = \".\"; " REFS RA, "\".\" cannot stand in the path" },
	{ E, "name = \"..\"; " REFS RA, "\"..\" cannot stand in the path" },
	{ E, "name = \"pkiclient.exe\"; " REFS RA, "\"pkiclient.exe\" is what "
	  "clients put behind any path; choose another" },
	{ E, "name = \"MSCEP.dll\"; " REFS RA, "\"MSCEP.dll\" is what" },
	{ E, "name = \"mscep\"; " REFS RA, "\"mscep\" is what clients" },
	{ E, "name = \"cgi-bin\"; " REFS RA, "\"cgi-bin\" is what clients" },
	{ E, EP RA "\n}, { name = \"E\"; " REFS RA, "scepd.conf:4: "
	  "endpoints[1].name: \"E\" differs from \"e\" by case alone" },
	{ E, EP "mode = \"ca\"; ra_enc_cert = \"x\";",
	  "ra_enc_cert: is for mode \"ra\"" },
	{ E, EP "mode = \"ca\"; ra_also = [\"x\"];",
	  "ra_also: is for mode \"ra\"" },
	{ E, EP RA "ra_enc_cert = \"x\";",
	  "ra_enc_key: is missing; ra_enc_cert needs it" },
	{ E, EP RA "ra_enc_key = \"x\";", "ra_enc_key: needs ra_enc_cert" },
	{ E, EP RA "ra_enc_key_passphrase = \"x\";",
	  "ra_enc_key_passphrase: needs ra_enc_cert" },
	{ E, EP RA "ra_also = [\"credential:\"];",
	  "ra_also: credential: needs a plain name" },
	{ E, EP RA "ra_renew_key = \"other\";",
	  "choose from \"same\", \"new\"" },
	{ E, EP RA "paths = [\"scep\"];", "\"scep\" is not a URL path" },
	{ E, EP RA "paths = [\"/a?b\"];", "\"/a?b\" is not a URL path" },
	{ E, EP RA "paths = [\"/a//b\"];", "\"/a//b\" is not a URL path" },
	{ E, EP RA "paths = [\"/a\", \"/A/\"];", "\"/A/\" is given twice" },
	{ E, EP RA "paths = [\"/scep\"]; }, {\nname = \"f\"; " REFS RA
	  "paths = [\"/SCEP/\"];", "scepd.conf:4: endpoints[1].paths: "
	  "\"/SCEP/\" is a path of endpoint \"e\" too" },
	{ E, EP RA "}, { name = \"f\"; " REFS RA "paths = [\"/scep\"];",
	  "scepd.conf:3: endpoints[1].paths: \"/scep\" is a path of" },
	{ E, EP RA "paths = [\"/Scep/F/x\"]; }, { name = \"f\"; " REFS RA,
	  "endpoints[0].paths: \"/Scep/F/x\" leads to endpoint \"f\" by its" },
	{ E, EP RA "}, { name = \"f\"; " REFS RA "paths = [\"/scep/e\"];",
	  "endpoints[1].paths: \"/scep/e\" leads to endpoint \"e\" by its" },
	/* issuers */
	{ I, "name = \"i\"; cert = \"c\";",
	  "scepd.conf:5: issuers[0].key: is missing; type \"local\" needs it" },
	{ I, LOCAL "command = [\"/bin/x\"];",
	  "scepd.conf:6: issuers[0].command: is for type \"exec\"" },
	{ I, LOCAL " crl_validity = \"1h\";",
	  "issuers[0].crl_renew: is not less than crl_validity" },
	{ I, LOCAL " crl_renew = \"7d\";",
	  "issuers[0].crl_renew: is not less than crl_validity" },
	{ I, LOCAL " crl_validity = 59; crl_renew = 1;",
	  "issuers[0].crl_validity: 59 seconds are out of range 1m..10y" },
	{ I, LOCAL "decides = [\"subject\"];",
	  "scepd.conf:6: issuers[0].decides: is for type \"exec\"" },
	{ I, EXEC " command = [\"/x\"]; decides = [\"serial\"];",
	  "issuers[0].decides" },
	{ I, EXEC " command = [\"/x\"]; crl_file = \"x.crl\";",
	  "issuers[0].crl_file: is for type \"local\"" },
	{ I, EXEC, "issuers[0].command: is missing; type \"exec\" needs it" },
	{ I, EXEC "command = [\"sign\"];", "issuers[0].command: begins with "
	  "\"sign\"; give the program's absolute path" },
	{ I, EXEC "command = [\"/x\"]; key = \"k\";",
	  "issuers[0].key: is for type \"local\"" },
	{ I, EXEC "command = [\"/x\"]; key_passphrase = \"k\";",
	  "issuers[0].key_passphrase: is for type \"local\"" },
	{ I, LOCAL "key_passphrase = \"credential:a/b\";",
	  "key_passphrase: credential: needs a plain name" },
	{ I, LOCAL "key_passphrase = \"credential:pw\";",
	  "key_passphrase: no credentials in this environment" },
	/* profiles */
	{ P, PROF "\nrsa_min = 4096; rsa_max = 3072;", "scepd.conf:10: "
	  "profiles[0].rsa_min: 4096 is more than rsa_max, 3072" },
	{ P, PROF "san_required = [\"dns\", \"upn\"];",
	  "profiles[0].san_required: has \"upn\", which is left out; add" },
	{ P, PROF "san_patterns = [\"dns glob *\", \"upn glob *@a.example\"];",
	  "profiles[0].san_patterns: has \"upn\", which is left out; add" },
	{ P, PROF "san = [\"uri\"]; san_patterns = [\"dns exact a\"];",
	  "profiles[0].san_patterns: has \"dns\", which is left out; add" },
	{ P, PROF "san_patterns = [\"sid glob *\"];",
	  "profiles[0].san_patterns: has \"sid\", which is left out; set" },
	{ P, PROF "san_required = [\"sid\"];",
	  "profiles[0].san_required: has \"sid\", which is left out; set" },
	{ P, PROF "key_types = [];", "profiles[0].key_types: is empty" },
	/* validators */
	{ E, EP RA "validator = \"v\";", "endpoints[0].validator: \"v\" is "
	  "not the name of an entry in validators" },
	{ E, EP RA "validator_challenge = \"instead\";",
	  "endpoints[0].validator_challenge: \"instead\" needs a validator" },
	{ E, EP RA "validator = \"v\"; validator_challenge = \"instead\"; } );"
	  " ndes: { endpoint = \"e\"; }; validators = ( {" RUN,
	  "scepd.conf:3: ndes.endpoint: \"e\" takes no challenge of the page" },
	{ G, VAL(RUN " }, { " RUN),
	  "validators[1].name: \"v\" is the name of an entry above" },
	{ G, VAL("name = \"v\";"), "validators[0].command: is missing; type" },
	{ G, VAL("name = \"v\"; command = [\"v\"];"),
	  "validators[0].command: does not begin with an absolute path" },
	{ G, VAL(RUN "url = \"https://x/\";"),
	  "validators[0].url: is for type \"webhook\"" },
	{ G, VAL(RUN "secret_file = \"x\";"), "secret_file: is for type" },
	{ G, VAL(RUN "ca_file = \"x\";"), "ca_file: is for type" },
	{ G, VAL(RUN "client_cert = \"x\";"), "client_cert: is for type" },
	{ G, VAL(RUN "client_key = \"x\";"), "client_key: is for type" },
	{ G, VAL(RUN "proxy = \"x\";"), "proxy: is for type" },
	{ G, VAL(HOOK), "validators[0].url: is missing; type" },
	{ G, VAL(HOOK "url = \"https://x/\";"),
	  "validators[0].secret_file: is missing; type" },
	{ G, VAL(HOOK URL "command = [\"/x\"];"),
	  "validators[0].command: is for type \"exec\"" },
	{ G, VAL(HOOK URL "client_key = \"x\";"),
	  "validators[0].client_cert: is missing; certificate and key" },
	{ G, VAL(HOOK URL "client_cert = \"x\";"),
	  "validators[0].client_key: is missing; certificate and key" },
	{ G, VAL(HOOK URL "proxy = \"socks5://x\";"),
	  "validators[0].proxy: is not the URL of an HTTP proxy" },
	{ G, VAL(RUN "timeout = 301;"), "validators[0].timeout: 301 seconds" },
	/* challenges */
	{ C, "name = \"c\";",
	  "scepd.conf:11: challenges[0]: has no secret; give a hash" },
	{ C, CHAL "secret = \"hidden\";",
	  "scepd.conf:12: challenges[0].secret: stands next to a hash" },
	{ C, CHAL "\nprofile = \"x\";", "scepd.conf:13: challenges[0].profile: "
	  "\"x\" is not the name of an entry in profiles" },
	{ C, CHAL "uses = -1;", "challenges[0].uses: -1 is out of range" },
	{ C, CHAL "key_types = [\"dsa\"];", "challenges[0].key_types: " },
	{ C, CHAL "\nexpires = \"tomorrow\";", "scepd.conf:13: challenges[0]."
	  "expires: \"tomorrow\" is no time; write it in UTC" },
	{ C, CHAL "expires = \"2030-02-29T00:00:00Z\";", "is no time" },
	{ C, CHAL "expires = \"2030-01-01T00:00:00\";", "is no time" },
	{ C, CHAL "expires = \"2030-01-01\";", "is no time" },
	{ C, CHAL "not_before = \"2030-01-01T24:00:00Z\";",
	  "challenges[0].not_before: \"2030-01-01T24:00:00Z\" is no time" },
	{ C, CHAL "not_before = \"2030-01-01T00:00:00Z\"; "
	  "expires = \"2030-01-01T00:00:00Z\";",
	  "challenges[0].expires: is not later than not_before" },
	{ C, "name = \"c\"; secret = [\"hidden\"];",
	  "challenges[0].secret: wrong type; expects text" },
};

static void
test_refused(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		write_part(refused[i].part, refused[i].text);
		assert_refused(refused[i].text, ERR_CONFIG, refused[i].error);
	}
}

#define LISTS(e, i, p, c)						\
	"endpoints = " e ";\nissuers = " i ";\nprofiles = " p ";\n"	\
	"challenges = " c ";\n"
#define OK_E	"( { " EP RA " } )"
#define OK_I	"( { " LOCAL " } )"
#define OK_P	"( { " PROF " } )"
#define OK_C	"( { " CHAL " } )"

static const struct {
	const char	*text;
	const char	*error;
} refused_lists[] = {
	{ "", "scepd.conf:1: endpoints: is missing; add at least one" },
	{ "endpoints = " OK_E ";\n", "issuers: is missing" },
	{ LISTS("()", OK_I, OK_P, OK_C),
	  "scepd.conf:1: endpoints: has 0 entries; give 1 to" },
	{ LISTS(OK_E, "5", OK_P, OK_C),
	  "scepd.conf:2: issuers: wrong type; expects a list of groups" },
	{ LISTS(OK_E, OK_I, "[]", OK_C),
	  "scepd.conf:3: profiles: wrong type; expects a list of groups" },
	{ LISTS(OK_E, OK_I, "{ " PROF " }", OK_C), "profiles: wrong type" },
	{ LISTS(OK_E, OK_I, OK_P, "( \"c\" )"),
	  "scepd.conf:4: challenges[0]: wrong type; expects a group" },
};

static void
test_refused_lists(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(refused_lists) / sizeof(refused_lists[0]); i++) {
		write_raw(bytes_str(refused_lists[i].text), 0640);
		assert_refused(refused_lists[i].text, ERR_CONFIG,
		    refused_lists[i].error);
	}
}

static void
test_mode_ca_needs_local(void **state)
{
	const char *part[N_PARTS];

	(void)state;
	memcpy(part, good, sizeof(part));
	part[E] = EP "mode = \"ca\";";
	part[I] = EXEC "command = [\"/x\"];";
	write_conf(part, 0640);
	assert_refused("ca with exec", ERR_CONFIG,
	    "scepd.conf:3: endpoints[0].mode: mode \"ca\" needs the CA's key");
}

static void
test_too_many_entries(void **state)
{
	struct buf text = BUF_INIT(FILE_MAX);
	int i;

	(void)state;
	for (i = 0; i < CONF_ENTRIES_MAX; i++)
		assert_int_equal(buf_puts(&text, PROF "}, {"), 0);
	assert_int_equal(buf_puts(&text, PROF), 0);
	write_part(P, buf_cstr(&text));
	assert_refused("1025 entries", ERR_CONFIG,
	    "scepd.conf:8: profiles: has 1025 entries; give 1 to 1024");
	buf_wipe(&text);
}

static void
test_unreadable(void **state)
{
	static const char nul[] = "user = \"a\";\0";
	struct buf big = BUF_INIT(2 * FILE_MAX);

	(void)state;
	unlink(file);
	assert_refused("missing", ERR_FILE, file);
	write_raw(bytes_make(nul, sizeof(nul)), 0640);
	assert_refused("NUL", ERR_CONFIG, "contains a NUL byte");
	while (big.n <= FILE_MAX)
		assert_int_equal(buf_puts(&big, "# a long comment\n"), 0);
	write_raw(buf_bytes(&big), 0640);
	assert_refused("too big", ERR_FILE, file);
	buf_wipe(&big);
}

static void
test_secret_file_mode(void **state)
{
	static const char *const part[N_PARTS] = {
		[G] = "", [E] = EP RA, [I] = LOCAL, [P] = PROF,
		[C] = "name = \"c\";\nsecret = \"hidden \\\"one\\\"\";"
	};
	struct conf *c;

	(void)state;
	write_conf(part, 0644);
	assert_refused("mode 0644", ERR_FILE_MODE, "scepd.conf:13: "
	    "challenges[0].secret: others can open the file with this secret; "
	    "chmod o= /");
	write_conf(part, 0640);
	c = load();
	assert_string_equal(c->challenges[0].secret, "hidden \"one\"");
	conf_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_refused_lists),
		cmocka_unit_test(test_mode_ca_needs_local),
		cmocka_unit_test(test_too_many_entries),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_secret_file_mode),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
