-- The number of the hello by which a worker was registered. One with a lower number was overtaken on another way: what
-- it says that the worker holds is out of date.
ALTER TABLE workers ADD COLUMN greeting bigint NOT NULL DEFAULT 0;
