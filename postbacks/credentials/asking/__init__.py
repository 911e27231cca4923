"""How a receiver wants to be asked: HTTP Basic, OAuth 2.0 client credentials, a client certificate, an authority of its
own.

`fields` lists what is stored, `stored` reads it, `typed` keeps what an operator left masked; `basic`, `oauth` and
`certificates` know what each kind takes.
"""
