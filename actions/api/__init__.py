"""The conversion API: reports over HTTP. It reads, authorises and answers; what is recorded is `actions.record`'s."""
