"""What an answer means: success and error rules, and when to try again."""
