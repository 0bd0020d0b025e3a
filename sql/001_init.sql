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
	der		BLOB NOT NULL CHECK (length(der) > 0),
	-- Serial first: the same index finds a certificate by serial alone.
	UNIQUE (serial, issuer_hash)
) STRICT;

CREATE INDEX issued_not_after ON issued (not_after);
CREATE INDEX issued_key_hash ON issued (key_hash);
CREATE INDEX issued_subject ON issued (subject);
