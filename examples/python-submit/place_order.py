"""Places an order and submits the task that sends its receipt, in one transaction."""

import os
import sys

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

SUBMIT = sql.SQL(
    """
    SELECT {schema}.submit(
        command => %(command)s, executor => 'shell', payload => %(payload)s,
        priority => %(priority)s, idempotency_key => %(key)s
    )
    """
).format(schema=sql.Identifier(os.environ.get("DB_SCHEMA", "taskmaster")))


def place_order(connection, item, priority):
    """Returns the id of the task."""
    with connection.transaction():
        (order,) = connection.execute(
            "INSERT INTO orders (item) VALUES (%s) RETURNING id", (item,)
        ).fetchone()
        (task,) = connection.execute(
            SUBMIT,
            {
                "command": 'echo "Receipt for order $ORDER"',
                "payload": Jsonb({"env": {"ORDER": str(order)}}),
                "priority": int(priority) if priority.lstrip("-").isdigit() else priority,
                "key": f"place_order.py {order}",
            },
        ).fetchone()
    return task


def main():
    item = sys.argv[1]
    priority = sys.argv[2] if len(sys.argv) > 2 else "HIGH"
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS orders"
            " (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, item text NOT NULL)"
        )
        connection.commit()
        try:
            task = place_order(connection, item, priority)
            print(task)
        except psycopg.errors.InvalidParameterValue as refused:
            print(f"{refused.diag.column_name} is wrong: {refused.diag.message_primary}")
            (orders,) = connection.execute("SELECT count(*) FROM orders").fetchone()
            print(f"There are {orders} orders.")


if __name__ == "__main__":
    main()
