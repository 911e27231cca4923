"""The users of the screens: roles, sign-in, and the history of changes; and the personal data of customers."""
