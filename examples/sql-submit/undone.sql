-- The same, by a customer who has second thoughts.
BEGIN;
SET LOCAL ROLE shop;
WITH placed AS (
  INSERT INTO orders (item) VALUES ('tea') RETURNING id
)
SELECT taskmaster.submit(
  command         => 'echo "Receipt for order $ORDER"',
  executor        => 'shell',
  payload         => jsonb_build_object('env', jsonb_build_object('ORDER', id::text)),
  priority        => 'HIGH',
  max_retries     => 3,
  idempotency_key => 'receipt for order ' || id
) FROM placed;
ROLLBACK;
