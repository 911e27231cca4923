"""What is known of one customer, by the customer id that was reported: written out, or taken away."""
