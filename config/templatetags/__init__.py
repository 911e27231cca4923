"""What our templates of the admin use."""
