"""The delivery log: find one delivery among millions, read requests and answers, resend, cancel."""
