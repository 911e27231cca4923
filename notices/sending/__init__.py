"""From notices to messages, one at a time for each channel, tried for a day."""
