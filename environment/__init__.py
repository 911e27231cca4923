"""The environment: variables and `.env` as typed values, the data folder, the addresses of the embedded servers."""
