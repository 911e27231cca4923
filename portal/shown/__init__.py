"""What is shown of an action: what the postback's template sends of it, and no more."""
