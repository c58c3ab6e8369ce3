-- +goose Up
CREATE TABLE outbox_head (
  id   INTEGER PRIMARY KEY CHECK (id = 1),
  mark BIGINT  NOT NULL
);
INSERT INTO outbox_head (id, mark) VALUES (1, 0);

-- line is what order is kept within; data is what never changes of a delivery, as JSON.
CREATE TABLE delivery (
  delivery_id TEXT        PRIMARY KEY,
  seq         BIGINT      NOT NULL,
  line        TEXT        NOT NULL,
  state       TEXT        NOT NULL,
  attempts    BIGINT      NOT NULL,
  next_at     TIMESTAMPTZ NOT NULL,
  last_error  TEXT        NOT NULL,
  data        TEXT        NOT NULL
);
CREATE INDEX delivery_line ON delivery (line, seq) WHERE state = 'pending';
CREATE INDEX delivery_due ON delivery (next_at, seq) WHERE state = 'pending';
CREATE INDEX delivery_state ON delivery (state, seq);
