-- What the autoscalers of all schedulers share: whose turn it is to look, and what is kept from look to look. One row.
CREATE TABLE autoscaling (
  looked_at timestamptz NOT NULL DEFAULT '-infinity',
  kept      jsonb,
  one       boolean     PRIMARY KEY DEFAULT true CHECK (one)
) WITH (fillfactor = 50);
INSERT INTO autoscaling DEFAULT VALUES;
