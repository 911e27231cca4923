"""The first minutes: embedded servers, `up`, a demo, a receiver to send to. A production deployment uses none of it."""
