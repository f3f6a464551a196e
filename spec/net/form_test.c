#include "check.h"
#include "net/form.h"

static void every_byte_is_safe(void) {
  struct icrm_buf out = {0};
  char all[256];
  for (int i = 0; i < 256; i++)
    all[i] = (char)i;
  icrm_form_add(&out, "a b&=", 5, all, sizeof all);
  CHECK(strncmp(out.data, "a%20b%26%3D=%00%01", 18) == 0);
  for (size_t i = 0; i < out.len; i++)
    CHECK((out.data[i] >= 'a' && out.data[i] <= 'z') ||
          (out.data[i] >= 'A' && out.data[i] <= 'Z') ||
          (out.data[i] >= '0' && out.data[i] <= '9') ||
          strchr("-._~%=", out.data[i]));
  icrm_form_add(&out, "x", 1, "", 0);
  CHECK_TEXT(out.data + out.len - 6, "%FF&x=");
  icrm_buf_free(&out);
}

static void names_of_the_protocol_are_refused(void) {
  static const char *const refused[] = {"operation", "Operation", "sessionName",
                                        "SESSIONNAME", ""};
  struct icrm_error err;
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
    CHECK(icrm_form_check_name(refused[i], strlen(refused[i]), &err) == -1 &&
          err.kind == ICRM_ERROR_INPUT);
  CHECK(icrm_form_check_name("element", 7, &err) == 0);
  CHECK(icrm_form_check_name("operation\0x", 11, &err) == 0);
}

static void addresses(void) {
  static const struct {
    const char *url, *want, *origin;
  } good[] = {
      {"https://crm.example.fr", "https://crm.example.fr/wstiger.php",
       "crm.example.fr:443"},
      {"https://crm.example.fr///", "https://crm.example.fr/wstiger.php",
       "crm.example.fr:443"},
      {"HTTPS://crm.example.fr:8443/a/b/",
       "https://crm.example.fr:8443/a/b/wstiger.php", "crm.example.fr:8443"},
      {"https://crm.example.fr/webservice.php",
       "https://crm.example.fr/webservice.php", "crm.example.fr:443"},
      {"https://crm.example.fr/@/x.PHP", "https://crm.example.fr/@/x.PHP",
       "crm.example.fr:443"},
      {"http://127.8.9.1:81", "http://127.8.9.1:81/wstiger.php",
       "127.8.9.1:81"},
      {"http://[::1]:81/t", "http://[::1]:81/t/wstiger.php", "[::1]:81"},
      {"http://localhost", "http://localhost/wstiger.php", "localhost:80"},
  };
  struct icrm_form_endpoint endpoint;
  struct icrm_error err;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    CHECK(icrm_form_endpoint_parse(good[i].url, &endpoint, &err) == 0);
    CHECK_TEXT(endpoint.url, good[i].want);
    CHECK_TEXT(endpoint.origin, good[i].origin);
    const char *path = strchr(strstr(endpoint.url, "//") + 2, '/');
    CHECK(endpoint.path_len == strlen(path));
  }
}

static void bad_addresses(void) {
  static const char *const bad[] = {"",
                                    "crm.example.fr",
                                    "ftp://x",
                                    "file:///etc/passwd",
                                    "https://",
                                    "https://:443",
                                    "https://x:0",
                                    "https://x:70000",
                                    "https://x:1x",
                                    "https://x:+1",
                                    "https://x/?a=b",
                                    "https://x/#a",
                                    "https://x\\@y",
                                    "https://x y",
                                    "https://x/ y",
                                    "https://\xC3\xA9.fr",
                                    "https://[::1",
                                    "https://[::1]x",
                                    "http://127.0.0.1.example.fr",
                                    "http://127.1",
                                    "http://0x7f000001",
                                    "http://example.fr",
                                    "http://user@example.fr",
                                    "https://user:secret@example.fr/x.php",
                                    "https://user%40@example.fr",
                                    "http://localhost@example.fr",
                                    "http://[::2]",
                                    "http://10.0.0.1",
                                    "http://127.0.0.1\\@example.fr",
                                    "http://127.0.0.1:80@example.fr"};
  struct icrm_form_endpoint endpoint;
  struct icrm_error err;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    if (icrm_form_endpoint_parse(bad[i], &endpoint, &err) == 0) {
      fprintf(stderr, "accepted %s\n", bad[i]);
      exit(EXIT_FAILURE);
    }
    CHECK(err.kind == ICRM_ERROR_CONFIG);
    CHECK(!strstr(err.message, "user@") && !strstr(err.message, "secret"));
  }
}

static void multipart_parts(void) {
  struct icrm_buf out = {0};
  struct icrm_error err;
  struct icrm_form_part field = {
      .name = "a\"b", .data = "1\r\n", .data_len = 3};
  struct icrm_form_part file = {.name = "filename",
                                .filename = "x\r\n.txt",
                                .content_type = "text/plain\r\nX: y",
                                .data = "",
                                .data_len = 0};
  CHECK(icrm_form_add_part(&out, "B", &field, &err) == 0);
  CHECK(icrm_form_add_part(&out, "B", &file, &err) == 0);
  icrm_form_end_parts(&out, "B");
  CHECK_TEXT(out.data,
             "--B\r\nContent-Disposition: form-data; name=\"a%22b\"\r\n\r\n"
             "1\r\n\r\n"
             "--B\r\nContent-Disposition: form-data; name=\"filename\"; "
             "filename=\"x%0D%0A.txt\"\r\nContent-Type: text/plain\r\n\r\n\r\n"
             "--B--\r\n");
  icrm_buf_free(&out);
}

static void more_than_may_be_sent_is_refused(void) {
  struct icrm_buf out = {.limit = 200};
  struct icrm_error err;
  char bytes[100] = {0};
  struct icrm_form_part part = {
      .name = "f", .data = bytes, .data_len = sizeof bytes};
  CHECK(icrm_form_add_part(&out, "B", &part, &err) == 0);
  CHECK(icrm_form_add_part(&out, "B", &part, &err) == -1);
  CHECK(strstr(err.message, "larger than the 200 bytes"));
  icrm_buf_free(&out);
}

int main(void) {
  every_byte_is_safe();
  names_of_the_protocol_are_refused();
  addresses();
  bad_addresses();
  multipart_parts();
  more_than_may_be_sent_is_refused();
  return 0;
}
