"""What is logged: a line for people or a JSON object for machines, without secrets, with the id of the request."""
