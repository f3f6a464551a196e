#include "net/failure.h"

static void explain_timeout(enum icrm_failure failure,
                            const struct icrm_failure_place *place,
                            struct icrm_error *err) {
  const char *format =
      failure == ICRM_FAILURE_SLOW_CONNECT
          ? "cannot reach %s: no connection within %.0f s; check the URL or "
            "the network"
      : failure == ICRM_FAILURE_STALLED
          ? "the transfer with %s stood still for %.0f s; try again, or allow "
            "more with `timeout`"
          : "%s gave no complete answer within %.0f s; try again, or allow "
            "more with `timeout`";
  icrm_error_set(err, ICRM_ERROR_TIMEOUT, format, place->origin,
                 place->seconds);
}

static void explain_tls(enum icrm_failure failure,
                        const struct icrm_failure_place *place,
                        struct icrm_error *err) {
  const char *format =
      failure == ICRM_FAILURE_UNTRUSTED
          ? "the certificate of %s is not trusted (%s); name its certificate "
            "authority with ca_file, or correct the URL"
          : "no encrypted connection to %s (%s); the server must offer TLS 1.2 "
            "or later";
  icrm_error_set(err, ICRM_ERROR_TLS, format, place->origin, place->detail);
}

static void explain_answer(enum icrm_failure failure,
                           const struct icrm_failure_place *place,
                           struct icrm_error *err) {
  if (failure == ICRM_FAILURE_TOO_LARGE)
    icrm_error_set(err, ICRM_ERROR_DECODE,
                   "the answer of %s is larger than %zu bytes; ask for less, "
                   "or allow more with `max_reply_bytes`",
                   place->origin, place->bytes);
  else if (failure == ICRM_FAILURE_NO_WEB_SERVER)
    icrm_error_set(err, ICRM_ERROR_TRANSPORT,
                   "what answers at %s is no web server; check the URL's host "
                   "and port",
                   place->origin);
  else
    icrm_error_set(err, ICRM_ERROR_TRANSPORT,
                   "%s closed the connection %s; if it goes on, the server's "
                   "log says why",
                   place->origin,
                   failure == ICRM_FAILURE_CUT_ANSWER
                       ? "in the middle of its answer"
                       : "without an answer");
}

void icrm_failure_explain(enum icrm_failure failure,
                          const struct icrm_failure_place *place,
                          struct icrm_error *err) {
  const char *origin = place->origin;
  switch (failure) {
  case ICRM_FAILURE_NO_HOST:
    icrm_error_set(err, ICRM_ERROR_TRANSPORT,
                   "cannot find the host of %s; check the URL or the network",
                   origin);
    break;
  case ICRM_FAILURE_NO_PROXY:
    icrm_error_set(err, ICRM_ERROR_TRANSPORT,
                   "cannot reach %s through the proxy; check `proxy`", origin);
    break;
  case ICRM_FAILURE_NO_CONNECTION:
    icrm_error_set(err, ICRM_ERROR_TRANSPORT,
                   "cannot reach %s: %s; check the URL or the network", origin,
                   place->detail);
    break;
  case ICRM_FAILURE_SLOW_CONNECT:
  case ICRM_FAILURE_SLOW_ANSWER:
  case ICRM_FAILURE_STALLED:
    explain_timeout(failure, place, err);
    break;
  case ICRM_FAILURE_UNTRUSTED:
  case ICRM_FAILURE_NO_TLS:
    explain_tls(failure, place, err);
    break;
  case ICRM_FAILURE_TOO_LARGE:
  case ICRM_FAILURE_NO_ANSWER:
  case ICRM_FAILURE_CUT_ANSWER:
  case ICRM_FAILURE_NO_WEB_SERVER:
    explain_answer(failure, place, err);
    break;
  case ICRM_FAILURE_NO_PROTOCOL:
    icrm_error_set(err, ICRM_ERROR_CONFIG, "this libcurl has no support for %s",
                   place->is_tls ? "https" : "http");
    break;
  case ICRM_FAILURE_OTHER:
    icrm_error_set(err, ICRM_ERROR_TRANSPORT,
                   "the connection to %s failed (%s)", origin, place->detail);
  }
}
