"""Signing requests, as Standard Webhooks defines it, so that a receiver can tell ours from anybody's.

`signer` makes the headers, `keys` makes, replaces and keeps the keys of a postback, `screen` is where operators do so.
"""
