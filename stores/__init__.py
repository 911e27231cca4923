"""How the stores are reached: Redis, the broker, and the replica of the database. It knows no rows."""
