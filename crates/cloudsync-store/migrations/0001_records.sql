-- One record an entry, small values, and what the store says of itself.
CREATE TABLE entry (id INTEGER PRIMARY KEY, record BLOB NOT NULL) STRICT;
CREATE TABLE value (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
PRAGMA user_version = 1;
