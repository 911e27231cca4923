"""What a postback was: its versions, what differs between two, and how one comes back."""
