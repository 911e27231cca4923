"""What a report is: its fields, read and checked one by one, and the list of all parameters."""
