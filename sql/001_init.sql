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
	-- Or of another server's, by a CA that is trusted for a migration:
	-- "SERIAL of ISSUER".
	migrates	TEXT,
	-- Where a profile limits what one subject, or one key, may have.
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

-- Hold only what is worked on, or waits, and is limited.
CREATE INDEX txn_subject ON txn (subject COLLATE NOCASE)
    WHERE state IN ('reserved', 'pending', 'approved');
CREATE INDEX txn_key_hash ON txn (key_hash)
    WHERE state IN ('reserved', 'pending', 'approved');

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
-- Hold only what renews another.
CREATE INDEX issued_supersedes ON issued (supersedes)
	WHERE supersedes IS NOT NULL;
CREATE INDEX issued_migrates ON issued (migrates) WHERE migrates IS NOT NULL;
-- Holds only what a CRL may have to list.
CREATE INDEX issued_revoked ON issued (issuer_hash, not_after)
	WHERE revoked_at IS NOT NULL;

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
