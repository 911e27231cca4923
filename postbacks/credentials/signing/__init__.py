"""Signing requests, as Standard Webhooks defines it, so that a receiver can tell ours from anybody's.

`signer` makes the headers, `keys` reads the keys of a postback, `renewal` makes, replaces and removes them.
"""
