"""The conversion API: reports over HTTP. It reads, authorises and answers; `actions.recording` records."""
