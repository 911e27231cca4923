"""Why a partner was told of an event, or not: whom an action is credited to, and what each postback made of it."""
