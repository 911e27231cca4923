"""What listens: the web server, and the first to see each request.

It answers probes, bounds and times what comes in, and hands whole requests to Django on a few threads. So a client that
is slow, or sends too much, holds a connection and nothing else.
"""
