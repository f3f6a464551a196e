/* Whom the transport trusts: nothing is sent to anyone else. */
#include "check.h"
#include "core/clock.h"
#include "lanes/dispatcher.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

struct tls_server {
  SSL_CTX *context;
  int listener, port;
  pthread_t thread;
  int handshakes_begun;
  int bytes; /* of requests, decrypted */
};

static char folder[] = "/tmp/icrm-tls-XXXXXX";

/* A self-signed certificate for `name`, valid from now - 2 days to now +
 * `days`; also written to folder/ca.pem. */
static void make_certificate(SSL_CTX *context, const char *name, long days) {
  char san[100], path[100];
  EVP_PKEY *key = EVP_EC_gen("P-256");
  X509 *cert = X509_new();
  CHECK(key && cert);
  X509_set_version(cert, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
  X509_gmtime_adj(X509_getm_notBefore(cert), -2 * 86400);
  X509_gmtime_adj(X509_getm_notAfter(cert), days * 86400);
  X509_set_pubkey(cert, key);
  X509_NAME *subject = X509_get_subject_name(cert);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             (const unsigned char *)name, -1, -1, 0);
  X509_set_issuer_name(cert, subject);
  snprintf(san, sizeof san, "DNS:%s", name);
  X509_EXTENSION *extension =
      X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san);
  X509_add_ext(cert, extension, -1);
  X509_EXTENSION_free(extension);
  CHECK(X509_sign(cert, key, EVP_sha256()) > 0);
  CHECK(SSL_CTX_use_certificate(context, cert) == 1);
  CHECK(SSL_CTX_use_PrivateKey(context, key) == 1);
  snprintf(path, sizeof path, "%s/ca.pem", folder);
  FILE *file = fopen(path, "w");
  CHECK(file && PEM_write_X509(file, cert) == 1 && fclose(file) == 0);
  X509_free(cert);
  EVP_PKEY_free(key);
}

static void answer(SSL *tls, const char *request) {
  char reply[400];
  const char *body =
      strstr(request, "getchallenge")
          ? "{\"success\":true,\"result\":{\"token\":\"t\"}}"
          : "{\"success\":true,\"result\":{\"sessionName\":\"s-1\"}}";
  int n = snprintf(reply, sizeof reply,
                   "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
                   strlen(body), body);
  SSL_write(tls, reply, n);
}

static void *serve(void *context) {
  struct tls_server *s = context;
  int fd;
  while ((fd = accept(s->listener, NULL, NULL)) >= 0) {
    SSL *tls = SSL_new(s->context);
    char text[4096];
    int n;
    s->handshakes_begun++;
    SSL_set_fd(tls, fd);
    if (SSL_accept(tls) == 1)
      while ((n = SSL_read(tls, text, sizeof text - 1)) > 0) {
        text[n] = '\0';
        s->bytes += n;
        answer(tls, text);
      }
    SSL_free(tls);
    close(fd);
  }
  return NULL;
}

static void start(struct tls_server *s, const char *name, long days) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t size = sizeof address;
  memset(s, 0, sizeof *s);
  s->context = SSL_CTX_new(TLS_server_method());
  make_certificate(s->context, name, days);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  s->listener = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(bind(s->listener, (struct sockaddr *)&address, size) == 0);
  CHECK(listen(s->listener, 8) == 0);
  CHECK(getsockname(s->listener, (struct sockaddr *)&address, &size) == 0);
  s->port = ntohs(address.sin_port);
}

static void run(struct tls_server *s) {
  CHECK(pthread_create(&s->thread, NULL, serve, s) == 0);
}

static void stop(struct tls_server *s) {
  shutdown(s->listener, SHUT_RDWR);
  pthread_join(s->thread, NULL);
  close(s->listener);
  SSL_CTX_free(s->context);
}

/* Log in at https://HOST:PORT; the error, or kind CANCELED when it worked. */
static struct icrm_error log_in(struct tls_server *s, const char *host,
                                const char *ca_file, bool insecure) {
  char url[100];
  struct icrm_error err;
  snprintf(url, sizeof url, "https://%s:%d", host, s->port);
  struct icrm_credentials *key = icrm_credentials_new("key", 3, &err);
  struct icrm_transport *transport = icrm_transport_new(&err);
  struct icrm_dispatcher_options options = {
      .url = url,
      .username = "admin",
      .credentials = key,
      .site = {.ca_file = ca_file, .insecure = insecure}};
  struct icrm_dispatcher *d = icrm_dispatcher_new(transport, &options, &err);
  CHECK(d && icrm_dispatcher_login(d, &err) > 0);
  const struct icrm_result *result;
  int64_t deadline = icrm_clock_ms() + 20000;
  while (!(result = icrm_dispatcher_next(d))) {
    CHECK(icrm_clock_ms() < deadline);
    CHECK(icrm_dispatcher_step(d, 1000, &err) >= 0);
  }
  if (result->ok)
    icrm_error_set(&err, ICRM_ERROR_CANCELED, "it worked");
  else
    err = result->err;
  icrm_dispatcher_free(d);
  icrm_transport_release(transport);
  icrm_credentials_release(key);
  return err;
}

static void check_refused(struct tls_server *s, struct icrm_error err,
                          const char *text) {
  stop(s);
  if (err.kind != ICRM_ERROR_TLS || !strstr(err.message, text)) {
    fprintf(stderr, "%s: %s\n", icrm_error_kind_name(err.kind), err.message);
    exit(EXIT_FAILURE);
  }
  CHECK(s->bytes == 0);
}

static const char *ca_file(void) {
  static char path[100];
  snprintf(path, sizeof path, "%s/ca.pem", folder);
  return path;
}

static void a_stranger_is_refused(void) {
  struct tls_server s;
  start(&s, "localhost", 30);
  run(&s);
  struct icrm_error err = log_in(&s, "localhost", NULL, false);
  check_refused(&s, err, "with ca_file");
  CHECK(s.handshakes_begun <= 2); /* the bundle, then the folder; no more */
}

static void a_named_authority_is_trusted(void) {
  struct tls_server s;
  start(&s, "localhost", 30);
  run(&s);
  struct icrm_error err = log_in(&s, "localhost", ca_file(), false);
  stop(&s);
  CHECK_TEXT(err.message, "it worked");
  CHECK(s.bytes > 0);
}

static void another_name_is_refused(void) {
  struct tls_server s;
  start(&s, "crm.example.fr", 30);
  run(&s);
  struct icrm_error err = log_in(&s, "localhost", ca_file(), false);
  check_refused(&s, err, "certificate of localhost");
}

static void an_expired_certificate_is_refused(void) {
  struct tls_server s;
  start(&s, "localhost", -1);
  run(&s);
  struct icrm_error err = log_in(&s, "localhost", ca_file(), false);
  check_refused(&s, err, "expired");
}

static void old_tls_is_refused(void) {
  struct tls_server s;
  start(&s, "localhost", 30);
  SSL_CTX_set_min_proto_version(s.context, TLS1_VERSION);
  SSL_CTX_set_max_proto_version(s.context, TLS1_1_VERSION);
  SSL_CTX_set_cipher_list(s.context, "DEFAULT:@SECLEVEL=0");
  run(&s);
  struct icrm_error err = log_in(&s, "localhost", ca_file(), false);
  check_refused(&s, err, "TLS 1.2 or later");
}

static void insecure_is_for_this_machine(void) {
  struct tls_server s;
  struct icrm_error err;
  start(&s, "crm.example.fr", -1);
  run(&s);
  err = log_in(&s, "127.0.0.1", NULL, true);
  stop(&s);
  CHECK_TEXT(err.message, "it worked");
  struct icrm_transport *transport = icrm_transport_new(&err);
  struct icrm_credentials *key = icrm_credentials_new("key", 3, &err);
  struct icrm_dispatcher_options options = {.url = "https://crm.example.fr",
                                            .username = "admin",
                                            .credentials = key,
                                            .site = {.insecure = true}};
  CHECK(!icrm_dispatcher_new(transport, &options, &err));
  CHECK(err.kind == ICRM_ERROR_CONFIG && strstr(err.message, "insecure"));
  options.site = (struct icrm_site_options){.ca_file = "/nowhere.pem"};
  CHECK(!icrm_dispatcher_new(transport, &options, &err));
  CHECK(strstr(err.message, "/nowhere.pem"));
  icrm_credentials_release(key);
  icrm_transport_release(transport);
}

/* OpenSSL's own defaults refuse old TLS too; with these it would not, and the
 * transport's setting is what is tested. */
static void allow_old_tls(void) {
  char path[100];
  snprintf(path, sizeof path, "%s/openssl.cnf", folder);
  FILE *file = fopen(path, "w");
  CHECK(file);
  fputs("openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\n"
        "MinProtocol = TLSv1\nCipherString = DEFAULT:@SECLEVEL=0\n",
        file);
  CHECK(fclose(file) == 0);
  setenv("OPENSSL_CONF", path, 1);
}

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  CHECK(mkdtemp(folder));
  setenv("XDG_RUNTIME_DIR", folder, 1);
  allow_old_tls();
  a_stranger_is_refused();
  a_named_authority_is_trusted();
  another_name_is_refused();
  an_expired_certificate_is_refused();
  old_tls_is_refused();
  insecure_is_for_this_machine();
  CHECK(system("rm -rf \"$XDG_RUNTIME_DIR\"") == 0);
  return 0;
}
