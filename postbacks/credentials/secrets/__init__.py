"""Secrets of postbacks: header values and signing keys. In the database they are encrypted, on screens and in the log
they are masked.

`mask` is what is shown instead, `cipher` encrypts, `headers` reads what operators type, `rotation` encrypts again with
the newest key.
"""
