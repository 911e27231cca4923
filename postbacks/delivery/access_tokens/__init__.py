"""Access tokens of OAuth 2.0, shared by all workers: `store` keeps them, `keeper` fetches them."""
