-- +goose Up
CREATE TABLE campaign_state (
  campaign TEXT PRIMARY KEY,
  state    TEXT NOT NULL
);

-- data is the lead and progress its progress as JSON; where a column says the same, the column counts. pos is the order of import.
CREATE TABLE lead (
  lead_id      TEXT        PRIMARY KEY,
  campaign     TEXT        NOT NULL,
  pos          BIGINT      NOT NULL,
  dedup        TEXT        NOT NULL,
  state        TEXT        NOT NULL,
  next_at      TIMESTAMPTZ NOT NULL,
  attempts     BIGINT      NOT NULL,
  fence        BIGINT      NOT NULL,
  leased_until TIMESTAMPTZ NOT NULL,
  data         TEXT        NOT NULL,
  progress     TEXT        NOT NULL
);
CREATE UNIQUE INDEX lead_pos ON lead (campaign, pos);
CREATE INDEX lead_dedup ON lead (campaign, dedup) WHERE dedup <> '';
CREATE INDEX lead_state ON lead (campaign, state);
CREATE INDEX lead_again ON lead (campaign, next_at, pos) WHERE state = 'waiting' AND attempts > 0;
CREATE INDEX lead_fresh ON lead (campaign, pos) WHERE state = 'waiting' AND attempts = 0;

CREATE TABLE attempt (
  attempt_id TEXT        PRIMARY KEY,
  campaign   TEXT        NOT NULL,
  lead_id    TEXT        NOT NULL,
  node       TEXT        NOT NULL,
  at         TIMESTAMPTZ NOT NULL,
  settled_at TIMESTAMPTZ,
  outcome    TEXT        NOT NULL,
  cause      TEXT        NOT NULL,
  data       TEXT        NOT NULL
);
CREATE INDEX attempt_open ON attempt (campaign, at) WHERE settled_at IS NULL;
CREATE INDEX attempt_outcome ON attempt (campaign, outcome);
CREATE INDEX attempt_lead ON attempt (lead_id, at);

-- An empty campaign means: by no campaign.
CREATE TABLE do_not_call (
  campaign TEXT NOT NULL,
  number   TEXT NOT NULL,
  PRIMARY KEY (campaign, number)
);
