"""The second factor of signing in: a code of an authenticator app, or one of ten recovery codes.

`model` keeps and checks it, `changes` turns it on and off and writes the history, `required` sends users to its pages,
`pages` are those.
"""
