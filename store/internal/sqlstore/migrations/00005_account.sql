-- +goose Up
CREATE TABLE account (
  login   TEXT   PRIMARY KEY,
  version BIGINT NOT NULL,
  data    TEXT   NOT NULL
);

CREATE TABLE session (
  skey    TEXT        PRIMARY KEY,
  login   TEXT        NOT NULL,
  created TIMESTAMPTZ NOT NULL,
  expires TIMESTAMPTZ NOT NULL,
  data    TEXT        NOT NULL
);
CREATE INDEX session_login ON session (login, created);
CREATE INDEX session_expires ON session (expires);
