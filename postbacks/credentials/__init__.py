"""What receivers are trusted with: secret headers and signing keys, encrypted at rest."""
