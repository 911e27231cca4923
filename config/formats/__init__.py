"""How Django writes dates and times of its own accord."""
