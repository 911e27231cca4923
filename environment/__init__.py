"""What the environment says: variables and `.env` as typed values, the data folder, the embedded servers' addresses."""
