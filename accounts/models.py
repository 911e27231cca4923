"""No tables of its own. The module must exist: Django tells only apps that have one that migrations have run."""
