-- +goose Up
-- A lease that was given back keeps its row, so that its fencing number is never used again.
CREATE TABLE lease (
  name     TEXT        PRIMARY KEY,
  owner    TEXT        NOT NULL,
  fence    BIGINT      NOT NULL,
  until_at TIMESTAMPTZ NOT NULL
);
