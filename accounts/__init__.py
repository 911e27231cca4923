"""Who uses the screens: their roles, how they sign in, what they changed, and what is known of customers."""
