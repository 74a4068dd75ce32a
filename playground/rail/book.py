"""The example rail's own book: what has moved, on disk, once for each key.

Stands for a provider that deduplicates by a key. Everything that makes "at most once" true is here: one row for each
idempotency key, written and flushed in one transaction before anybody is told; and a row for each key that was called
dead, so that a request that comes late moves nothing.
"""

import sqlite3
import time

TABLES = """
CREATE TABLE IF NOT EXISTS movements(
  key BLOB PRIMARY KEY,              -- the idempotency key
  settlement INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  kind TEXT NOT NULL,                -- collection, payout
  asset TEXT NOT NULL,
  amount TEXT NOT NULL,              -- in the asset's ledger units: a number that may be larger than 64 bits
  account TEXT NOT NULL,
  moved_at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS dead(key BLOB PRIMARY KEY) WITHOUT ROWID;
"""


class Book:
    def __init__(self, path: str):
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("PRAGMA synchronous=FULL")  # a row that was committed survives a power cut
        self.db.executescript(TABLES)

    def move(self, key: bytes, payment: dict) -> bool:
        """Moves the money, unless it was moved with this key before. False: the key is dead, and nothing moved."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            alive = self.db.execute("SELECT 1 FROM dead WHERE key = ?", (key,)).fetchone() is None
            if alive:
                self.db.execute(
                    "INSERT OR IGNORE INTO movements VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (key, payment["settlement"], payment["attempt"], payment["kind"], payment["asset"],
                     payment["amount"], payment["account"], time.time()))
            self.db.execute("COMMIT")
            return alive
        except BaseException:
            self.db.execute("ROLLBACK")
            raise

    def has_moved(self, key: bytes) -> bool:
        """Whether it was moved. If not, it never will be: the key is dead from now on."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            moved = self.db.execute("SELECT 1 FROM movements WHERE key = ?", (key,)).fetchone() is not None
            if not moved:
                self.db.execute("INSERT OR IGNORE INTO dead VALUES (?)", (key,))
            self.db.execute("COMMIT")
            return moved
        except BaseException:
            self.db.execute("ROLLBACK")
            raise

    def totals(self) -> tuple:
        """How many payments, and what they sum up to."""
        amounts = [int(row[0]) for row in self.db.execute("SELECT amount FROM movements")]
        return len(amounts), sum(amounts)
