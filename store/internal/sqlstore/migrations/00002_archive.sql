-- +goose Up
-- What is folded from the journal. It can always be made again.
CREATE TABLE archive_head (
  id    INTEGER PRIMARY KEY CHECK (id = 1),
  seq   BIGINT  NOT NULL,
  state TEXT    NOT NULL
);
INSERT INTO archive_head (id, seq, state) VALUES (1, 0, '');

-- data is the call record as JSON; the other columns are what queries select by.
CREATE TABLE call_record (
  call_id   TEXT        PRIMARY KEY,
  started   TIMESTAMPTZ NOT NULL,
  direction TEXT        NOT NULL,
  campaign  TEXT        NOT NULL,
  customer  TEXT        NOT NULL,
  data      TEXT        NOT NULL
);
CREATE INDEX call_record_started ON call_record (started, call_id);
CREATE INDEX call_record_customer ON call_record (customer, started, call_id);
CREATE INDEX call_record_campaign ON call_record (campaign, started, call_id) WHERE campaign <> '';

-- Which queues and agents a call had to do with.
CREATE TABLE call_party (
  role    TEXT        NOT NULL,
  name    TEXT        NOT NULL,
  started TIMESTAMPTZ NOT NULL,
  call_id TEXT        NOT NULL,
  PRIMARY KEY (role, name, started, call_id)
);

CREATE TABLE agent_activity (
  seq   BIGINT      PRIMARY KEY,
  agent TEXT        NOT NULL,
  began TIMESTAMPTZ NOT NULL,
  ended TIMESTAMPTZ,
  data  TEXT        NOT NULL
);
CREATE INDEX agent_activity_agent ON agent_activity (agent, seq);
CREATE INDEX agent_activity_began ON agent_activity (began);
