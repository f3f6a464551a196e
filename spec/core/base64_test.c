#include "check.h"
#include "core/base64.h"

static void rfc_4648_vectors(void) {
  static const char *const vectors[][2] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
  };
  for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
    struct icrm_buf text = {0}, back = {0};
    icrm_base64_encode(&text, vectors[i][0], strlen(vectors[i][0]));
    CHECK_TEXT(text.data ? text.data : "", vectors[i][1]);
    CHECK(icrm_base64_decode(&back, vectors[i][1], strlen(vectors[i][1]),
                             NULL) == 0);
    CHECK_TEXT(back.data ? back.data : "", vectors[i][0]);
    icrm_buf_free(&text);
    icrm_buf_free(&back);
  }
}

static void every_byte_comes_back(void) {
  unsigned char bytes[256];
  for (int i = 0; i < 256; i++)
    bytes[i] = (unsigned char)i;
  struct icrm_buf text = {0}, back = {0};
  icrm_base64_encode(&text, bytes, sizeof bytes);
  CHECK(icrm_base64_decode(&back, text.data, text.len, NULL) == 0);
  CHECK(back.len == sizeof bytes && memcmp(back.data, bytes, 256) == 0);
  icrm_buf_free(&text);
  icrm_buf_free(&back);
}

static void line_breaks_and_missing_padding_are_read(void) {
  struct icrm_buf back = {0};
  CHECK(icrm_base64_decode(&back, "Zm9v\r\nYg", 8, NULL) == 0);
  CHECK_TEXT(back.data, "foob");
  icrm_buf_free(&back);
}

static void wrong_text_is_refused_with_its_place(void) {
  struct icrm_buf back = {0};
  struct icrm_error err;
  CHECK(icrm_base64_decode(&back, "Zm9v!A==", 8, &err) == -1);
  CHECK_TEXT(err.message, "byte 5 is not base64 text");
  CHECK(icrm_base64_decode(&back, "Zg==Zg", 6, &err) == -1);
  CHECK_TEXT(err.message, "byte 5 follows the end of the base64 text");
  CHECK(icrm_base64_decode(&back, "Zm9vY", 5, &err) == -1);
  CHECK_TEXT(err.message, "the base64 text is cut off");
  icrm_buf_free(&back);
}

int main(void) {
  rfc_4648_vectors();
  every_byte_comes_back();
  line_breaks_and_missing_padding_are_read();
  wrong_text_is_refused_with_its_place();
  return 0;
}
