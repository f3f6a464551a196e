/*
 * The limit: a hand-written loop over libcurl multi that reuses everything and
 * decodes nothing.
 *
 *   loop URL create|retrieve|query CALLS IN_FLIGHT SESSIONS
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 64, URL_BYTES = 1024, BODY_BYTES = 4096 };

/* One handle, its request and what came back. */
struct lane {
  CURL *easy;
  char url[URL_BYTES];
  char body[BODY_BYTES];
  size_t received;
};

static const char element[] =
    "{\"ticket_title\":\"Panneau livré en retard\",\"ticketstatus\":\"Open\","
    "\"ticketpriorities\":\"High\",\"ticketseverities\":\"Major\","
    "\"ticketcategories\":\"Big Problem\",\"assigned_user_id\":\"19x1\","
    "\"parent_id\":\"11x262015\",\"contact_id\":\"12x4711\",\"hours\":\"0\","
    "\"days\":\"0\",\"description\":\"Société des pépinières du Val: la "
    "livraison prévue lundi n'est pas arrivée.\",\"solution\":\"\"}";

static size_t count_bytes(char *bytes, size_t size, size_t n, void *lane) {
  (void)bytes;
  ((struct lane *)lane)->received += size * n;
  return size * n;
}

static void fail(const char *message) {
  fprintf(stderr, "loop: %s\n", message);
  exit(EXIT_FAILURE);
}

static void prepare(struct lane *lane, const char *url, const char *operation,
                    int session) {
  lane->easy = curl_easy_init();
  if (!lane->easy)
    fail("no handle");
  curl_easy_setopt(lane->easy, CURLOPT_WRITEFUNCTION, count_bytes);
  curl_easy_setopt(lane->easy, CURLOPT_WRITEDATA, lane);
  curl_easy_setopt(lane->easy, CURLOPT_PRIVATE, lane);
  curl_easy_setopt(lane->easy, CURLOPT_NOSIGNAL, 1L);
  if (strcmp(operation, "create") == 0) {
    char *escaped = curl_easy_escape(lane->easy, element, 0);
    snprintf(lane->url, URL_BYTES, "%s", url);
    snprintf(lane->body, BODY_BYTES,
             "operation=create&sessionName=s%d&elementType=HelpDesk&element=%s",
             session, escaped);
    curl_free(escaped);
    curl_easy_setopt(lane->easy, CURLOPT_POSTFIELDS, lane->body);
  } else {
    const char *parameter =
        strcmp(operation, "query") == 0
            ? "query=SELECT%20%2A%20FROM%20HelpDesk%20LIMIT%20100%3B"
            : "id=17x1000001";
    snprintf(lane->url, URL_BYTES, "%s?operation=%s&sessionName=s%d&%s", url,
             operation, session, parameter);
  }
  curl_easy_setopt(lane->easy, CURLOPT_URL, lane->url);
}

/* Take the finished calls, start others in their place. */
static long take_finished(CURLM *multi, long *to_start) {
  CURLMsg *message;
  int left;
  long finished = 0;
  while ((message = curl_multi_info_read(multi, &left))) {
    CURL *easy = message->easy_handle;
    struct lane *lane;
    if (message->data.result != CURLE_OK)
      fail(curl_easy_strerror(message->data.result));
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &lane);
    if (lane->received < 100)
      fail("a reply is too short");
    lane->received = 0;
    finished++;
    curl_multi_remove_handle(multi, easy);
    if (*to_start > 0) {
      --*to_start;
      curl_multi_add_handle(multi, easy);
    }
  }
  return finished;
}

int main(int argc, char **argv) {
  if (argc != 6)
    fail("loop URL create|retrieve|query CALLS IN_FLIGHT SESSIONS");
  static struct lane lanes[MOST];
  long calls = atol(argv[3]), in_flight = atol(argv[4]);
  int sessions = atoi(argv[5]), running;
  if (in_flight < 1 || in_flight > MOST || sessions < 1)
    fail("from 1 to 64 in flight, on one session or more");
  curl_global_init(CURL_GLOBAL_DEFAULT);
  CURLM *multi = curl_multi_init();
  long to_start = calls, finished = 0;
  for (int i = 0; i < in_flight && to_start > 0; i++, to_start--) {
    prepare(&lanes[i], argv[1], argv[2], 1 + i % sessions);
    curl_multi_add_handle(multi, lanes[i].easy);
  }
  while (finished < calls) {
    curl_multi_perform(multi, &running);
    long n = take_finished(multi, &to_start);
    finished += n;
    if (n == 0)
      curl_multi_poll(multi, NULL, 0, 1000, NULL);
  }
  return 0;
}
