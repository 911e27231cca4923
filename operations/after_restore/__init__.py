"""What is to be done when the database is a restored one: nothing may be sent a second time without being asked for.

`cluster` recognises that the server is another one, or has been set back in time; `steps` makes it safe to start on.
"""
