"""The request that a postback makes of an event: templates, bodies and headers; mistakes with their place."""
