"""How a message is written and sent: as e-mail, to Slack, to Microsoft Teams, or as a signed webhook."""
