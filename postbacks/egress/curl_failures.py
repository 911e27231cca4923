"""What libcurl's error codes say of a request, as failures."""

from __future__ import annotations

import pycurl

from postbacks.egress.failures import CUT_ANSWER, NO_CONNECTION, UNKNOWN_HOST, Code, Failure

# pycurl has no names for these.
_E_HTTP2_STREAM, _E_TOO_LARGE = 92, 100

INVALID_CERTIFICATE = Failure(Code.TLS, "The server's TLS certificate is not valid for this host.")
CLIENT_CERTIFICATE = Failure(Code.TLS, "The server demands a client certificate, or refuses the one that it was shown.")
NO_PROXY = Failure(Code.PROXY, "The egress proxy (POSTBACKS_EGRESS_PROXY) could not be reached.")
SILENT_PROXY = Failure(Code.PROXY, "The egress proxy (POSTBACKS_EGRESS_PROXY) opened no connection to the host.")
LATE_HANDSHAKE = Failure(Code.CONNECT_TIMEOUT, "The TLS handshake did not end in time.")
DROPPED = Failure(Code.DROPPED, "The server closed a connection that it had kept open, without an answer.")
NOT_TAKEN = Failure(Code.DROPPED, "The server did not take the request, and gave no answer.")
_CLOSED = Failure(Code.BROKEN, "The server closed the connection without an answer.")
HUGE_HEADERS = Failure(Code.BAD_ANSWER, "The answer's headers are too large.")

FAILURES: dict[int, Failure] = {
    pycurl.E_UNSUPPORTED_PROTOCOL: Failure(Code.INVALID_URL, "Only http and https URLs can be called."),
    pycurl.E_URL_MALFORMAT: Failure(Code.INVALID_URL, "The URL is malformed."),
    pycurl.E_COULDNT_RESOLVE_HOST: UNKNOWN_HOST,
    pycurl.E_COULDNT_RESOLVE_PROXY: NO_PROXY,
    pycurl.E_COULDNT_CONNECT: NO_CONNECTION,
    pycurl.E_FTP_WEIRD_SERVER_REPLY: Failure(Code.BAD_ANSWER, "The answer was not HTTP."),
    pycurl.E_PARTIAL_FILE: Failure(Code.BAD_ANSWER, "The connection was closed before the whole answer had come."),
    pycurl.E_SSL_CONNECT_ERROR: Failure(Code.TLS, "The TLS handshake failed."),
    pycurl.E_PEER_FAILED_VERIFICATION: INVALID_CERTIFICATE,
    pycurl.E_SSL_CERTPROBLEM: Failure(Code.TLS, "The client certificate of the postback, or its key, cannot be used."),
    pycurl.E_SSL_CACERT_BADFILE: Failure(Code.TLS, "The trusted authorities of the postback cannot be used."),
    pycurl.E_SSL_CIPHER: Failure(Code.TLS, "No TLS cipher in common with the server."),
    pycurl.E_GOT_NOTHING: _CLOSED,
    pycurl.E_ABORTED_BY_CALLBACK: _CLOSED,  # By us: libcurl would have made the request again.
    pycurl.E_SEND_ERROR: Failure(Code.BROKEN, "The connection broke while the request was sent."),
    pycurl.E_RECV_ERROR: CUT_ANSWER,
    # Of the transfer (`Transfer-Encoding: gzip`), which nobody asked for.
    pycurl.E_BAD_CONTENT_ENCODING: Failure(Code.BAD_ANSWER, "The answer came in a transfer encoding that is not used."),
    pycurl.E_HTTP2: Failure(Code.BAD_ANSWER, "The server broke the HTTP/2 protocol."),
    _E_HTTP2_STREAM: Failure(Code.BAD_ANSWER, "The server broke the HTTP/2 stream."),
    _E_TOO_LARGE: HUGE_HEADERS,
}
# What they say of a connection that ended, where libcurl does not want to make the request again.
ENDED = (pycurl.E_GOT_NOTHING, pycurl.E_SEND_ERROR, pycurl.E_RECV_ERROR)
ON_THE_WIRE = (Code.BROKEN, Code.TLS, Code.BAD_ANSWER)
