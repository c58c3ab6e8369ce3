-- +goose Up
-- The journal. journal_head has one row: whoever raises it holds its lock until the commit, so that numbers have no gaps and
-- become visible in order.
CREATE TABLE journal_head (
  id  INTEGER PRIMARY KEY CHECK (id = 1),
  seq BIGINT  NOT NULL
);
INSERT INTO journal_head (id, seq) VALUES (1, 0);

-- data is the record as JSON without its number. TEXT and not JSONB: what a caller sends as a name may hold \u0000.
CREATE TABLE journal (
  seq  BIGINT      PRIMARY KEY,
  at   TIMESTAMPTZ NOT NULL,
  kind TEXT        NOT NULL,
  data TEXT        NOT NULL
);
