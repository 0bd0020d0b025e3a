-- The ledger. Times are seconds since 1970; hashes are SHA-256.

-- What was asked. A row is written before anything is signed, so that a crash
-- loses no serial number and a retry finds its certificate.
CREATE TABLE txn (
	id		INTEGER PRIMARY KEY,
	endpoint	TEXT NOT NULL,
	txid		TEXT NOT NULL,
	msg_hash	BLOB NOT NULL CHECK (length(msg_hash) = 32),
	signer_hash	BLOB NOT NULL CHECK (length(signer_hash) = 32),
	csr_hash	BLOB NOT NULL CHECK (length(csr_hash) = 32),
	serial		BLOB NOT NULL UNIQUE CHECK (length(serial) > 0),
	-- That it spends a use of.
	challenge	TEXT,
	peer		TEXT NOT NULL,
	state		TEXT NOT NULL CHECK (state IN
			    ('reserved', 'pending', 'approved', 'issued',
			    'failed', 'rejected', 'expired', 'abandoned')),
	reason		TEXT,
	created		INTEGER NOT NULL,
	finished	INTEGER,
	-- Only of requests that wait, or waited, for an operator.
	csr		BLOB,
	-- Whether a challenge or a certificate of ours vouches for it, and
	-- which: a row of issued that it renews.
	vouched		INTEGER NOT NULL DEFAULT 0 CHECK (vouched IN (0, 1)),
	renews		INTEGER REFERENCES issued (id),
	-- The row of a challenge that was made at run time, and the profile
	-- that was decided on.
	challenge_id	INTEGER REFERENCES challenge (id),
	profile		TEXT,
	-- Or of another server's, by a CA that is trusted for a migration:
	-- "SERIAL of ISSUER"; and, while it waits, that certificate itself.
	migrates	TEXT,
	old		BLOB,
	-- An operator approved it although its challenge allowed nothing by
	-- then.
	despite		INTEGER NOT NULL DEFAULT 0 CHECK (despite IN (0, 1)),
	-- The validator that was asked about what waits, until it has been told
	-- that it was rejected or has expired.
	asked		TEXT,
	-- What the subject of one that waits is made of: facts of the challenge
	-- and of the validator, one a line.
	facts		TEXT,
	-- The subject that was granted and the key, where a profile limits what
	-- one may have, or the CA certifies another subject. A renewal has the
	-- subject of what it renews. Of the key, the hash is the same in all
	-- spellings, and for RSA with any exponent, here and in issued.
	subject		TEXT,
	key_hash	BLOB CHECK (length(key_hash) = 32),
	CHECK (renews IS NULL OR migrates IS NULL),
	CHECK ((state IN ('reserved', 'pending', 'approved')) =
	    (finished IS NULL)),
	CHECK ((state = 'failed') = (reason IS NOT NULL)),
	CHECK (state NOT IN ('pending', 'approved') OR csr IS NOT NULL)
) STRICT;

CREATE INDEX txn_asked ON txn (endpoint, txid, signer_hash);
-- Holds only what is in flight: looking for it at start costs nothing.
CREATE INDEX txn_reserved ON txn (id) WHERE state = 'reserved';
-- Holds only what waits for an operator, oldest first.
CREATE INDEX txn_waiting ON txn (created)
    WHERE state IN ('pending', 'approved');
-- Holds only what nothing vouches for, by where it came from.
CREATE INDEX txn_strangers ON txn (peer)
    WHERE state = 'pending' AND vouched = 0;

-- Holds only what a validator is to be told.
CREATE INDEX txn_untold ON txn (id)
    WHERE asked IS NOT NULL AND state IN ('rejected', 'expired');

-- Hold only what is worked on, or waits, and is limited.
CREATE INDEX txn_subject ON txn (subject COLLATE NOCASE)
    WHERE state IN ('reserved', 'pending', 'approved');
CREATE INDEX txn_key_hash ON txn (key_hash)
    WHERE state IN ('reserved', 'pending', 'approved');
-- Holds only what is counted by that subject.
CREATE INDEX txn_granted ON txn (subject COLLATE NOCASE)
    WHERE state = 'issued' AND subject IS NOT NULL;

-- What a program that issues is at work on: written before it starts, gone when it
-- has answered. What is here at a start was cut short, and that program may have
-- made a certificate that nobody has seen.
CREATE TABLE handed (
	txn		INTEGER PRIMARY KEY REFERENCES txn (id),
	issuer		TEXT NOT NULL,
	issuer_hash	BLOB NOT NULL CHECK (length(issuer_hash) = 32),
	subject		TEXT NOT NULL,
	-- When: a request that waited for approval was made long before.
	at		INTEGER NOT NULL,
	-- What is to be said of it then: in words, and how it came to that (JSON).
	why		TEXT NOT NULL,
	trail		TEXT,
	signer		INTEGER			-- as in audit
) STRICT;

CREATE TRIGGER txn_handed_back AFTER UPDATE OF state ON txn
WHEN OLD.state = 'reserved' BEGIN
	DELETE FROM handed WHERE txn = NEW.id;
END;

-- Challenges made at run time. What we drew ourselves is known by its MAC under a
-- key that is kept elsewhere (mac_key says which); what people thought up, by a
-- scrypt hash of that MAC. One that is removed loses both, and stays for the
-- ledger's sake. Lists have one entry a line.
CREATE TABLE challenge (
	id		INTEGER PRIMARY KEY,
	name		TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
	mac		BLOB UNIQUE CHECK (length(mac) = 32),
	mac_key		BLOB CHECK (length(mac_key) = 32),
	hash		TEXT,
	endpoints	TEXT NOT NULL,
	profile		TEXT NOT NULL,
	subject		TEXT NOT NULL,
	san		TEXT NOT NULL,
	key_types	TEXT NOT NULL,
	-- Small named texts for subjects, as user=alice.
	facts		TEXT NOT NULL,
	uses		INTEGER NOT NULL CHECK (uses >= 0),
	not_before	INTEGER NOT NULL,
	expires		INTEGER NOT NULL,
	created		INTEGER NOT NULL,
	created_by	TEXT NOT NULL,
	disabled_at	INTEGER,
	removed_at	INTEGER,
	CHECK ((removed_at IS NULL) = (mac_key IS NOT NULL)),
	CHECK ((removed_at IS NULL) = ((mac IS NULL) <> (hash IS NULL))),
	CHECK (removed_at IS NULL OR (mac IS NULL AND hash IS NULL))
) STRICT;

CREATE UNIQUE INDEX challenge_name ON challenge (name)
    WHERE removed_at IS NULL;
-- Holds only what must be stretched to be known.
CREATE INDEX challenge_hash ON challenge (id) WHERE hash IS NOT NULL;

-- The uses of each challenge, by name, and by row (0: of scepd.conf). A use is a
-- transaction in flight, issued, or with a stray: what came to nothing gives it
-- back.
CREATE TABLE challenge_use (
	challenge	TEXT NOT NULL,
	challenge_id	INTEGER NOT NULL,
	used		INTEGER NOT NULL CHECK (used >= issued),
	issued		INTEGER NOT NULL DEFAULT 0,
	-- When the last certificate was issued under it.
	last		INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (challenge, challenge_id)
) STRICT, WITHOUT ROWID;

-- Without it, each challenge that is forgotten would be looked for in all of txn.
CREATE INDEX txn_challenge ON txn (challenge_id)
    WHERE challenge_id IS NOT NULL;

CREATE TRIGGER txn_challenge_begins AFTER INSERT ON txn
WHEN NEW.challenge IS NOT NULL BEGIN
	INSERT INTO challenge_use (challenge, challenge_id, used)
	VALUES (NEW.challenge, coalesce(NEW.challenge_id, 0), 1)
	ON CONFLICT DO UPDATE SET used = used + 1;
END;

CREATE TRIGGER txn_challenge_ends AFTER UPDATE OF state ON txn
WHEN NEW.challenge IS NOT NULL AND OLD.finished IS NULL AND
    NEW.finished IS NOT NULL BEGIN
	UPDATE challenge_use SET
	    used = used - (NEW.state <> 'issued' AND
		NOT EXISTS (SELECT 1 FROM stray WHERE txn = NEW.id)),
	    issued = issued + (NEW.state = 'issued'),
	    last = iif(NEW.state = 'issued', NEW.finished, last)
	WHERE challenge = NEW.challenge AND
	    challenge_id = coalesce(NEW.challenge_id, 0);
END;

-- What was issued; never deleted. A transaction has at most one certificate.
-- der stands last: what lies before it is read without its bytes.
CREATE TABLE issued (
	id		INTEGER PRIMARY KEY,
	txn		INTEGER NOT NULL UNIQUE REFERENCES txn (id),
	serial		BLOB NOT NULL CHECK (length(serial) > 0),
	issuer_hash	BLOB NOT NULL CHECK (length(issuer_hash) = 32),
	key_hash	BLOB NOT NULL CHECK (length(key_hash) = 32),
	subject		TEXT NOT NULL,
	sans		TEXT NOT NULL,
	endpoint	TEXT NOT NULL,
	profile		TEXT NOT NULL,
	issuer		TEXT NOT NULL,
	txid		TEXT NOT NULL,
	challenge	TEXT,
	peer		TEXT NOT NULL,
	not_before	INTEGER NOT NULL,
	not_after	INTEGER NOT NULL,
	issued_at	INTEGER NOT NULL,
	-- When it was revoked, and why: a CRLReason of RFC 5280, 5.3.1. One on
	-- hold (6) may become valid again.
	revoked_at	INTEGER,
	revoke_reason	INTEGER CHECK (revoke_reason BETWEEN 0 AND 6 OR
			    revoke_reason IN (9, 10)),
	-- Whose it is: a client's, or our own as an RA.
	role		TEXT NOT NULL DEFAULT 'client'
			    CHECK (role IN ('client', 'ra')),
	-- The row that it renews, or what it migrates, as in txn.
	supersedes	INTEGER REFERENCES issued (id),
	migrates	TEXT,
	der		BLOB NOT NULL CHECK (length(der) > 0),
	-- Serial first: the same index finds a certificate by serial alone.
	UNIQUE (serial, issuer_hash),
	CHECK ((revoked_at IS NULL) = (revoke_reason IS NULL))
) STRICT;

CREATE INDEX issued_not_after ON issued (not_after);
CREATE INDEX issued_key_hash ON issued (key_hash);
-- Letter case tells no two subjects apart.
CREATE INDEX issued_subject ON issued (subject COLLATE NOCASE);
-- Holds only our own: asked for at each start.
CREATE INDEX issued_ra ON issued (not_after) WHERE role = 'ra';
-- Hold only what renews another.
CREATE INDEX issued_supersedes ON issued (supersedes)
	WHERE supersedes IS NOT NULL;
CREATE INDEX issued_migrates ON issued (migrates) WHERE migrates IS NOT NULL;
-- Holds only keys that are certified never again: theirs, a CA's or an AA's
-- compromise.
CREATE INDEX issued_compromised ON issued (key_hash)
	WHERE revoke_reason IN (1, 2, 10);
-- Holds only what a CRL may have to list.
CREATE INDEX issued_revoked ON issued (issuer_hash, not_after)
	WHERE revoked_at IS NOT NULL;

-- What was decided, and how it came to that (JSON). What explains a transaction is
-- written with it; of the rest only the last ones are kept, those apart that a
-- certificate of ours signed: strangers cannot push them out.
CREATE TABLE audit (
	id		INTEGER PRIMARY KEY,
	txn		INTEGER REFERENCES txn (id),
	at		INTEGER NOT NULL,
	endpoint	TEXT NOT NULL,
	txid		TEXT NOT NULL,
	outcome		TEXT NOT NULL CHECK (outcome IN
			    ('issued', 'pending', 'refused', 'failed',
			    'approved', 'rejected')),
	reason		TEXT,
	-- A client's address, or an operator's name.
	who		TEXT NOT NULL,
	trail		TEXT,
	-- The certificate that signed what was asked, if it is one of ours.
	signer		INTEGER REFERENCES issued (id),
	-- When what it explains has ended: its certificate, or a transaction that
	-- came to none. Some time after that it may be forgotten.
	ends		INTEGER,
	CHECK (txn IS NOT NULL OR reason IS NOT NULL)
) STRICT;

CREATE INDEX audit_txid ON audit (txid);
CREATE INDEX audit_txn ON audit (txn) WHERE txn IS NOT NULL;
CREATE INDEX audit_signer ON audit (signer) WHERE signer IS NOT NULL;
-- Holds only what has no transaction, of strangers and of ours, oldest first.
CREATE INDEX audit_refused ON audit (signer IS NOT NULL) WHERE txn IS NULL;
CREATE INDEX audit_ends ON audit (ends) WHERE ends IS NOT NULL;

CREATE TRIGGER audit_issued AFTER INSERT ON issued BEGIN
	UPDATE audit SET ends = NEW.not_after WHERE txn = NEW.txn;
END;

CREATE TRIGGER audit_finished AFTER UPDATE OF state ON txn
WHEN NEW.state <> 'issued' AND OLD.finished IS NULL AND
    NEW.finished IS NOT NULL BEGIN
	UPDATE audit SET ends = NEW.finished WHERE txn = NEW.id;
END;

-- What a CA elsewhere made, and was not issued: it is not what was granted, or
-- could not be recorded. Whoever runs that CA is to revoke it there. Without der
-- nobody knows whether there is one: then serial and subject are those that were
-- granted.
CREATE TABLE stray (
	id		INTEGER PRIMARY KEY,
	txn		INTEGER NOT NULL REFERENCES txn (id),
	issuer		TEXT NOT NULL,
	serial		BLOB NOT NULL CHECK (length(serial) > 0),
	issuer_hash	BLOB NOT NULL CHECK (length(issuer_hash) = 32),
	why		TEXT NOT NULL,
	made_at		INTEGER NOT NULL,
	subject		TEXT,
	der		BLOB CHECK (length(der) > 0),
	CHECK ((der IS NULL) = (subject IS NOT NULL))
) STRICT;

CREATE INDEX stray_txn ON stray (txn);
CREATE INDEX stray_serial ON stray (serial);

-- How often the set of revoked certificates of an issuer has changed: asked for
-- every second, so that a CRL follows, whoever made the change.
CREATE TABLE revocation (
	issuer_hash	BLOB PRIMARY KEY CHECK (length(issuer_hash) = 32),
	changes		INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER issued_revocation
AFTER UPDATE OF revoked_at, revoke_reason ON issued BEGIN
	INSERT INTO revocation VALUES (NEW.issuer_hash, 1)
	ON CONFLICT DO UPDATE SET changes = changes + 1;
END;

-- CAs that another one has taken over from, by the hashes of their keys: they
-- issue no more.
CREATE TABLE followed (
	key_hash	BLOB PRIMARY KEY CHECK (length(key_hash) = 32),
	by_hash		BLOB NOT NULL CHECK (length(by_hash) = 32),
	since		INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The last CRL of each CA key. Numbers rise by the issuer's name, which two
-- keys may share.
CREATE TABLE crl (
	issuer_hash	BLOB NOT NULL CHECK (length(issuer_hash) = 32),
	key_hash	BLOB NOT NULL CHECK (length(key_hash) = 32),
	number		INTEGER NOT NULL,
	-- Changes that it knows of
	changes		INTEGER NOT NULL,
	this_update	INTEGER NOT NULL,
	next_update	INTEGER NOT NULL,
	-- When the last one was made because its time had come: what expired
	-- before is listed no more (RFC 5280, 3.3).
	scheduled	INTEGER NOT NULL,
	der		BLOB NOT NULL CHECK (length(der) > 0),
	PRIMARY KEY (issuer_hash, key_hash),
	UNIQUE (issuer_hash, number)
) STRICT;

-- Addresses that are locked for failed challenges, so that a lock outlives a
-- restart. A row that is deleted by hand ends its lock.
CREATE TABLE lockout (
	address		TEXT PRIMARY KEY,
	since		INTEGER NOT NULL,
	until		INTEGER NOT NULL,
	failures	INTEGER NOT NULL CHECK (failures > 0),
	endpoint	TEXT NOT NULL
) STRICT, WITHOUT ROWID;
