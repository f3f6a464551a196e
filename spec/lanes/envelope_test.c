/* The envelope scanner, with Jansson as the judge of what is JSON. */
#include "check.h"
#include "core/clock.h"
#include "lanes/envelope.h"

#include <jansson.h>
#include <stdint.h>

/* Read with and without an eye for records, which must not differ. */
static int read_envelope(const char *body, size_t len,
                         struct icrm_envelope *out, struct icrm_error *err) {
  static struct icrm_page page;
  struct icrm_envelope other;
  struct icrm_error other_err = {.message = ""};
  int rc = icrm_envelope_read(body, len, NULL, out, err);
  CHECK(rc == icrm_envelope_read(body, len, &page, &other, &other_err));
  CHECK(!out->is_page && (!other.is_page || rc == 0));
  CHECK(rc == 0 || !err || strcmp(err->message, other_err.message) == 0);
  other.is_page = false;
  CHECK(memcmp(out, &other, sizeof other) == 0);
  return rc;
}

static const char *why_not(const char *body) {
  static struct icrm_error err;
  struct icrm_envelope envelope;
  err.message[0] = '\0';
  if (read_envelope(body, strlen(body), &envelope, &err) == 0)
    return "";
  CHECK(err.kind == ICRM_ERROR_DECODE);
  return err.message;
}

static void finds_the_result(void) {
  static const struct {
    const char *body, *result;
  } good[] = {
      {"{\"success\":true,\"result\":[]}", "[]"},
      {" {\"result\" : {\"a\":[1,{\"result\":2}]} , \"success\":true}\n",
       "{\"a\":[1,{\"result\":2}]}"},
      {"{\"success\":true,\"x\":{},\"result\":null,\"y\":[[],{}]}", "null"},
      {"{\"success\":true,\"result\":-0.5e-3}", "-0.5e-3"},
      {"{\"success\":true,\"result\":\"\\u00e9\\ud83d\\ude00\\\"\\u0000\"}",
       "\"\\u00e9\\ud83d\\ude00\\\"\\u0000\""},
      {"{\"success\":true,\"result\":12345678901234567890123}",
       "12345678901234567890123"},
  };
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    struct icrm_envelope envelope;
    CHECK(read_envelope(good[i].body, strlen(good[i].body), &envelope, NULL) ==
          0);
    CHECK(envelope.success && envelope.result_len == strlen(good[i].result) &&
          memcmp(good[i].body + envelope.result_at, good[i].result,
                 envelope.result_len) == 0);
  }
}

static void reads_a_refusal(void) {
  static const char text[] =
      "{\"success\":false,\"error\":{\"code\":\"ACCESS_DENIED\",\"message\":"
      "\"Permission\\u001b[2J to L\\u0027Or\\u00e9al\"}}";
  static const char number[] =
      "{\"error\":{\"message\":\"LBL_DUPLICATES_DETECTED\",\"code\":0},"
      "\"success\":false}";
  struct icrm_envelope envelope;
  CHECK(read_envelope(text, strlen(text), &envelope, NULL) == 0);
  CHECK(!envelope.success);
  CHECK_TEXT(envelope.code, "ACCESS_DENIED");
  CHECK_TEXT(envelope.message, "Permission\\x1B[2J to L'Or\xC3\xA9"
                               "al");
  CHECK(read_envelope(number, strlen(number), &envelope, NULL) == 0);
  CHECK_TEXT(envelope.code, "0");
  CHECK(read_envelope("{\"success\":false}", 17, &envelope, NULL) == 0);
  CHECK_TEXT(envelope.code, "");
  CHECK_TEXT(envelope.message, "no reason given");
}

static void says_what_is_wrong(void) {
  CHECK_TEXT(why_not(""),
             "the CRM answered with an empty body; its log says why");
  CHECK_TEXT(why_not("\n<html>\n<b>Fatal</b>"),
             "the CRM answered with a web page, not JSON; check its URL, and "
             "whether it is closed for maintenance: "
             "\"\\x0A<html>\\x0A<b>Fatal</b>\"");
  CHECK_TEXT(why_not("Fatal: x < y"),
             "the CRM's answer is not JSON (byte 1): \"Fatal: x < y\"");
  CHECK(strstr(why_not("{\"success\":true"), "is cut short (byte 16)"));
  CHECK(strstr(why_not("{\"success\":true,\"result\":\"a"),
               "ends inside a string"));
  CHECK(strstr(why_not("{\"success\":true,\"result\":1} x"), "more text"));
  CHECK(strstr(why_not("\xEF\xBB\xBF{\"success\":true,\"result\":1}"),
               "is not JSON"));
  CHECK(strstr(why_not("{\"success\":1,\"result\":1}"), "true or false"));
  CHECK(strstr(why_not("{\"success\":true}"), "has no `result`"));
  CHECK(strstr(why_not("{\"result\":1}"), "has no `success`"));
  CHECK(
      strstr(why_not("{\"success\":true,\"result\":1,\"result\":2}"), "twice"));
  CHECK(strstr(why_not("{\"success\":true,\"success\":false,\"result\":1}"),
               "no single"));
  CHECK(strstr(why_not("{\"success\":true,\"result\":1e400}"), "too large"));
  CHECK(strstr(why_not("{\"success\":true,\"result\":NaN}"), "is not JSON"));
  CHECK(strstr(why_not("{\"success\":true,\"result\":0x1F}"), "is not JSON"));
  CHECK(strstr(why_not("{\"success\":true,\"result\":01}"), "malformed"));
  CHECK(strstr(why_not("{\"success\":true,\"result\":\"\xFF\"}"), "UTF-8"));
  CHECK(strstr(why_not("{\"success\":true,\"result\":\"\\ud800\"}"),
               "surrogate"));
  CHECK(strstr(why_not("{\"success\":true,\"result\":[1,]}"), "is not JSON"));
}

/* One record that cannot be read is named, whether its id stands before or
 * behind the place, and so is the text at that place. */
static void names_the_record(void) {
  static const char *const bodies[] = {
      "{\"success\":true,\"result\":[{\"id\":\"3x1\",\"a\":\"{\\\"id\\\":\"},"
      "{\"id\":\"3x57\",\"a\":\"x{\",\"description\":\"bad \xE9 word\"},"
      "{\"id\":\"3x58\"}]}",
      "{\"success\":true,\"result\":[{\"a\":\"1\",\"id\":\"3x1\"},"
      "{\"description\":\"bad \xE9 "
      "word\",\"x\":{\"id\":\"3x9\"},\"id\":\"3x57\"}]}"};
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
    const char *why = why_not(bodies[i]);
    CHECK(strstr(why, "is not UTF-8 in the record 3x57, at \""));
    CHECK(strstr(why, "bad \\xE9 word"));
    CHECK(strstr(why, "WHERE id != '3x57'"));
  }
  CHECK(!strstr(
      why_not("{\"success\":true,\"result\":[{\"id\":\"3x1\"},\"\xE9\"]}"),
      "record"));
}

static void depth_is_limited(void) {
  struct icrm_buf body = {0};
  for (int depth = 63; depth <= 64; depth++) {
    icrm_buf_clear(&body);
    icrm_buf_add_text(&body, "{\"success\":true,\"result\":");
    for (int i = 0; i < depth; i++)
      icrm_buf_add_byte(&body, i % 2 ? '[' : '[');
    for (int i = 0; i < depth; i++)
      icrm_buf_add_byte(&body, ']');
    icrm_buf_add_byte(&body, '}');
    CHECK((why_not(body.data)[0] == '\0') == (depth == 63));
  }
  icrm_buf_free(&body);
}

static void quotes_200_bytes(void) {
  char body[1000];
  memset(body, 'x', sizeof body - 1);
  body[sizeof body - 1] = '\0';
  const char *message = why_not(body);
  CHECK(strlen(message) < 300 && strstr(message, "xxx\"\xE2\x80\xA6"));
}

/* ---- against Jansson ---- */

static uint64_t state = 42;

static unsigned next_random(unsigned limit) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (unsigned)(state >> 32) % limit;
}

static bool jansson_accepts(const char *body, size_t len) {
  json_error_t error;
  json_t *root =
      json_loadb(body, len, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
  const json_t *success = json_object_get(root, "success");
  bool ok = json_is_boolean(success) &&
            (json_is_false(success) || json_object_get(root, "result"));
  json_decref(root);
  return ok;
}

/* Damage a good reply in one to three places. */
static size_t damage(char *body, size_t len, size_t room) {
  static const char bytes[] =
      "{}[]\",:\\u0019eE+-.tfn \n\x01\x7F\x80\xC3\xED\xFF";
  for (unsigned n = 1 + next_random(3); n > 0 && len > 0; n--) {
    size_t at = next_random((unsigned)len);
    switch (next_random(4)) {
    case 0:
      body[at] = bytes[next_random(sizeof bytes - 1)];
      break;
    case 1:
      memmove(body + at, body + at + 1, len - at);
      len--;
      break;
    case 2:
      if (len + 1 < room) {
        memmove(body + at + 1, body + at, len - at + 1);
        body[at] = bytes[next_random(sizeof bytes - 1)];
        len++;
      }
      break;
    default:
      if (next_random(8) == 0)
        len = at + 1;
    }
    body[len] = '\0';
  }
  return len;
}

static void agrees_with_jansson(void) {
  static const char *const seeds[] = {
      "{\"success\":true,\"result\":[{\"id\":\"3x1\",\"n\":\"L'Or\\u00e9al "
      "\xC3\xA9\xE2\x82\xAC\",\"v\":1.5e3},{\"a\":[],\"b\":{}}]}",
      "{\"success\":true,\"result\":{\"x\":-0,\"y\":true,\"z\":null,\"e\":"
      "\"\\ud83d\\ude00 \\\\ \\/ \\b\"},\"w\":[1,2,[3]]}",
      "{\"success\":false,\"error\":{\"code\":\"A\",\"message\":\"b\"}}",
      "{\"success\":true,\"result\":[{\"id\":\"3x1\",\"n\":\"L'Or\\u00e9al "
      "\xC3\xA9\xE2\x82\xAC\"},{\"id\":\"3x2\",\"n\":\"a\\/b "
      "\\ud83d\\ude00\"}]}"};
  int accepted = 0;
  for (int i = 0; i < 300000; i++) {
    char body[400];
    struct icrm_envelope envelope;
    strcpy(body, seeds[next_random(4)]);
    size_t len = damage(body, strlen(body), sizeof body);
    bool have = read_envelope(body, len, &envelope, NULL) == 0;
    bool want = jansson_accepts(body, len);
    accepted += have;
    if (have != want) {
      fprintf(stderr, "%d: icrm %d, Jansson %d: %.*s\n%s\n", i, have, want,
              (int)len, body, why_not(body));
      exit(EXIT_FAILURE);
    }
  }
  CHECK(accepted > 30000 && accepted < 270000);
}

int main(void) {
  finds_the_result();
  reads_a_refusal();
  says_what_is_wrong();
  names_the_record();
  depth_is_limited();
  quotes_200_bytes();
  agrees_with_jansson();
  return 0;
}
