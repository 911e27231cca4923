"""The log of deliveries apart from its screens: finding them, what to say of each, and who resent or cancelled it."""
