"""What the portal's pages show and do, for programs of partners: with the token of a link, and in its scope."""
