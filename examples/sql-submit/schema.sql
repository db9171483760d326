-- A table of the application's own, and its role, which may submit tasks and nothing else of TaskMaster.
CREATE TABLE orders (
  id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  item text NOT NULL
);
CREATE ROLE shop;
GRANT SELECT, INSERT ON orders TO shop;
SELECT taskmaster.allow_submit('shop') \g /dev/null
