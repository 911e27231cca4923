"""From a link to a session: exchanged at once, proven where the link asks for it, and over when the link is."""
