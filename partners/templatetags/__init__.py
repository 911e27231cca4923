"""What templates of several rooms show."""
