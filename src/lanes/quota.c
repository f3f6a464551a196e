#include "lanes/quota.h"
#include "net/header.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* Resets that differ by less are of one window: they are told in seconds. */
enum { SAME_WINDOW_MS = 1500 };

enum { MOST_CALLS = 1000000000 };
#define SLOWEST_PER_S 1e-6
enum { MINUTE_MS = 60 * 1000, HOUR_MS = 60 * MINUTE_MS, DAY_MS = 24 * HOUR_MS };

void icrm_quota_init(struct icrm_quota *quota) {
  memset(quota, 0, sizeof *quota);
  quota->flood.length_ms = MINUTE_MS;
  quota->rate.length_ms = DAY_MS;
  quota->flood.left = quota->rate.left = -1;
}

static const struct {
  const char *name;
  int64_t ms;
} units[] = {
    {"s", 1000},        {"sec", 1000},     {"second", 1000},
    {"min", MINUTE_MS}, {"m", MINUTE_MS},  {"minute", MINUTE_MS},
    {"h", HOUR_MS},     {"hour", HOUR_MS}, {"d", DAY_MS},
    {"day", DAY_MS},
};

/* The unit named by `len` letters, 0 when there is none. */
static int64_t unit_ms(const char *name, size_t len) {
  for (size_t plural = 0; plural < 2 && len > 2 * plural; plural++) {
    if (plural && tolower((unsigned char)name[len - 1]) != 's')
      break;
    size_t n = len - plural;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
      if (strlen(units[i].name) == n && !strncasecmp(units[i].name, name, n))
        return units[i].ms;
  }
  return 0;
}

static const char *skip_space(const char *text) {
  while (isspace((unsigned char)*text))
    text++;
  return text;
}

/* A number from 1 to a thousand million; 0 when there is none. */
static int64_t read_count(const char **text) {
  int64_t count = 0;
  for (; isdigit((unsigned char)**text); ++*text) {
    count = count * 10 + (**text - '0');
    if (count > MOST_CALLS)
      return 0;
  }
  return count;
}

/* Read "60/min" or "5 / 10 s"; returns what follows, NULL when it is wrong. */
static const char *read_window(const char *text, int64_t *calls,
                               int64_t *length_ms) {
  *calls = read_count(&text);
  text = skip_space(text);
  if (*calls == 0 || *text != '/')
    return NULL;
  text = skip_space(text + 1);
  int64_t times = isdigit((unsigned char)*text) ? read_count(&text) : 1;
  text = skip_space(text);
  size_t len = 0;
  while (isalpha((unsigned char)text[len]))
    len++;
  *length_ms = unit_ms(text, len) * times;
  bool ends = *length_ms > 0 && *length_ms <= 366 * (int64_t)DAY_MS;
  return ends ? skip_space(text + len) : NULL;
}

int icrm_quota_parse(struct icrm_quota *quota, const char *text,
                     struct icrm_error *err) {
  for (const char *part = skip_space(text); *part;) {
    struct icrm_quota_window window = {0};
    const char *end = read_window(part, &window.calls, &window.length_ms);
    if (!end || (*end && *end != ','))
      return icrm_error_set(err, ICRM_ERROR_INPUT,
                            "rate: `%.*s` is not a number of calls and a time; "
                            "write for example \"60/min, 1000/h, 7200/day\"",
                            (int)strcspn(part, ","), part);
    if (quota->n_windows == ICRM_QUOTA_WINDOWS)
      return icrm_error_set(err, ICRM_ERROR_INPUT,
                            "rate: more than %d limits in `%s`",
                            ICRM_QUOTA_WINDOWS, text);
    quota->windows[quota->n_windows++] = window;
    part = *end ? skip_space(end + 1) : end;
  }
  return 0;
}

static int64_t slice_ms(const struct icrm_quota_window *window) {
  return (window->length_ms + ICRM_QUOTA_SLICES - 2) / (ICRM_QUOTA_SLICES - 1);
}

/* Milliseconds until the window has room: the oldest slices leave it first. */
static int64_t window_wait_ms(const struct icrm_quota_window *window,
                              int64_t now_ms, int64_t *room) {
  int64_t length = slice_ms(window), now = now_ms / length;
  int64_t oldest = now - ICRM_QUOTA_SLICES + 1, spent = 0;
  if (oldest <= window->slice - ICRM_QUOTA_SLICES)
    oldest = window->slice - ICRM_QUOTA_SLICES + 1;
  if (oldest < 0)
    oldest = 0;
  for (int64_t i = oldest; i <= window->slice; i++)
    spent += window->spent[i % ICRM_QUOTA_SLICES];
  *room = window->calls > spent ? window->calls - spent : 0;
  int64_t leaving = oldest - 1;
  while (spent >= window->calls)
    spent -= window->spent[++leaving % ICRM_QUOTA_SLICES];
  if (leaving < oldest)
    return 0;
  return (leaving + ICRM_QUOTA_SLICES) * length - now_ms;
}

/* Make `slice` the newest one, unless a newer one is. */
static void move_on(struct icrm_quota_window *window, int64_t slice) {
  if (slice - window->slice >= ICRM_QUOTA_SLICES) {
    memset(window->spent, 0, sizeof window->spent);
    window->slice = slice;
  }
  while (window->slice < slice)
    window->spent[++window->slice % ICRM_QUOTA_SLICES] = 0;
}

static void window_spend(struct icrm_quota_window *window, int64_t calls,
                         int64_t now_ms) {
  int64_t now = now_ms / slice_ms(window);
  move_on(window, now);
  window->spent[now % ICRM_QUOTA_SLICES] += calls;
}

void icrm_quota_merge(struct icrm_quota_window *own,
                      const struct icrm_quota_window *other, int64_t now_ms) {
  if (other->length_ms != own->length_ms || other->slice < 0 ||
      other->slice > now_ms / slice_ms(own) + 1)
    return;
  move_on(own, other->slice);
  int64_t oldest = own->slice - ICRM_QUOTA_SLICES + 1;
  for (int64_t i = oldest > 0 ? oldest : 0; i <= other->slice; i++) {
    const int64_t spent = other->spent[i % ICRM_QUOTA_SLICES];
    if (spent > own->spent[i % ICRM_QUOTA_SLICES] && spent <= MOST_CALLS)
      own->spent[i % ICRM_QUOTA_SLICES] = spent;
  }
}

static int64_t header_wait_ms(const struct icrm_quota_header *header,
                              int64_t now_ms, int64_t *room) {
  *room =
      header->left >= 0 && now_ms < header->reset_ms ? header->left : INT64_MAX;
  return *room ? 0 : header->reset_ms - now_ms;
}

/* The wait, and how many calls may start when it is 0. */
static int64_t wait_and_room(const struct icrm_quota *quota, int64_t now_ms,
                             int64_t *room) {
  int64_t wait_ms = quota->pause_until_ms - now_ms, one, rooms[2];
  int64_t flood_ms = header_wait_ms(&quota->flood, now_ms, &rooms[0]);
  int64_t rate_ms = header_wait_ms(&quota->rate, now_ms, &rooms[1]);
  *room = rooms[0] < rooms[1] ? rooms[0] : rooms[1];
  wait_ms = flood_ms > wait_ms ? flood_ms : wait_ms;
  wait_ms = rate_ms > wait_ms ? rate_ms : wait_ms;
  for (int i = 0; i < quota->n_windows; i++) {
    int64_t window_ms = window_wait_ms(&quota->windows[i], now_ms, &one);
    wait_ms = window_ms > wait_ms ? window_ms : wait_ms;
    *room = one < *room ? one : *room;
  }
  return wait_ms > 0 ? wait_ms : 0;
}

int64_t icrm_quota_wait_ms(const struct icrm_quota *quota, int64_t now_ms) {
  int64_t room;
  return wait_and_room(quota, now_ms, &room);
}

void icrm_quota_spend(struct icrm_quota *quota, int64_t calls, int64_t now_ms) {
  for (int i = 0; i < quota->n_windows; i++)
    window_spend(&quota->windows[i], calls, now_ms);
  struct icrm_quota_header *headers[] = {&quota->flood, &quota->rate};
  for (int i = 0; i < 2; i++)
    if (headers[i]->left > 0)
      headers[i]->left -= calls < headers[i]->left ? calls : headers[i]->left;
}

void icrm_quota_pause(struct icrm_quota *quota, int64_t seconds,
                      int64_t now_ms) {
  int64_t until_ms = now_ms + seconds * 1000;
  if (until_ms <= quota->pause_until_ms)
    return;
  quota->pause_until_ms = until_ms;
  quota->pause_told_ms = now_ms;
}

/* ---- saying why ---- */

/* "7200/day", "5/10s" */
static void write_window(const struct icrm_quota_window *window, char *out,
                         size_t size) {
  static const struct {
    const char *name;
    int64_t ms;
  } named[] = {
      {"day", DAY_MS}, {"h", HOUR_MS}, {"min", MINUTE_MS}, {"s", 1000}};
  int i = 0;
  while (i < 3 && window->length_ms % named[i].ms)
    i++;
  int64_t times = window->length_ms / named[i].ms;
  if (times == 1)
    snprintf(out, size, "%lld/%s", (long long)window->calls, named[i].name);
  else
    snprintf(out, size, "%lld/%lld%s", (long long)window->calls,
             (long long)times, named[i].name);
}

void icrm_quota_cause(const struct icrm_quota *quota, int64_t now_ms, char *out,
                      size_t size) {
  int64_t unused, longest_ms = quota->pause_until_ms - now_ms;
  const struct icrm_quota_header *headers[] = {&quota->flood, &quota->rate};
  snprintf(out, size, "%s", longest_ms > 0 ? "the CRM asked to wait" : "");
  if (longest_ms < 0)
    longest_ms = 0;
  for (int i = 0; i < 2; i++) {
    int64_t wait_ms = header_wait_ms(headers[i], now_ms, &unused);
    if (wait_ms <= longest_ms)
      continue;
    longest_ms = wait_ms;
    snprintf(out, size, "the CRM's quota is used up");
  }
  for (int i = 0; i < quota->n_windows; i++) {
    char text[48];
    int64_t wait_ms = window_wait_ms(&quota->windows[i], now_ms, &unused);
    if (wait_ms <= longest_ms)
      continue;
    longest_ms = wait_ms;
    write_window(&quota->windows[i], text, sizeof text);
    snprintf(out, size, "the quota of %s is used up", text);
  }
}

/* ---- looking ahead ---- */

static int64_t most_at_once(const struct icrm_quota *quota,
                            double calls_per_s) {
  int64_t most = INT64_MAX;
  for (int i = 0; calls_per_s > 0 && i < quota->n_windows; i++) {
    double calls = calls_per_s * (double)slice_ms(&quota->windows[i]) / 1000;
    if (calls < (double)most)
      most = (int64_t)calls;
  }
  return most > 1 ? most : 1;
}

/* Begin the next window of a header whose limit is known. */
static void renew(struct icrm_quota_header *header, int64_t now_ms) {
  if (header->limit == 0 || header->left < 0 || now_ms < header->reset_ms)
    return;
  header->left = header->limit;
  header->reset_ms = now_ms + header->length_ms;
}

/* Wait until a call may start; returns how many may, and moves the clock. */
static int64_t next_room(struct icrm_quota *plan, double *at_ms,
                         int64_t *wait_ms) {
  int64_t room, more_ms;
  *wait_ms = 0;
  for (;;) {
    renew(&plan->flood, (int64_t)*at_ms);
    renew(&plan->rate, (int64_t)*at_ms);
    more_ms = wait_and_room(plan, (int64_t)*at_ms, &room);
    if (more_ms == 0)
      return room;
    *at_ms += (double)more_ms;
    *wait_ms += more_ms;
  }
}

void icrm_quota_forecast(const struct icrm_quota *quota, int64_t calls,
                         double calls_per_s, int64_t max_wait_ms,
                         int64_t now_ms, struct icrm_quota_forecast *out) {
  struct icrm_quota plan = *quota;
  if (calls_per_s > 0 && calls_per_s < SLOWEST_PER_S)
    calls_per_s = SLOWEST_PER_S; /* later is no time that can be told */
  const int64_t most = most_at_once(quota, calls_per_s);
  double at_ms = (double)now_ms;
  *out = (struct icrm_quota_forecast){0};
  for (int64_t wait_ms, left = calls; left > 0;) {
    int64_t n = next_room(&plan, &at_ms, &wait_ms);
    if (wait_ms > out->longest_ms)
      out->longest_ms = wait_ms;
    if (wait_ms > max_wait_ms && out->stops++ == 0) {
      out->first_calls = calls - left;
      out->first_ms = (int64_t)at_ms - wait_ms - now_ms;
      out->first_wait_ms = wait_ms;
    }
    n = n < most ? n : most;
    n = n < left ? n : left;
    icrm_quota_spend(&plan, n, (int64_t)at_ms);
    left -= n;
    if (calls_per_s > 0)
      at_ms += (double)n * 1000 / calls_per_s;
  }
  out->ms = (int64_t)at_ms - now_ms;
  if (out->stops == 0) {
    out->first_calls = calls;
    out->first_ms = out->ms;
  }
}

/* ---- what servers say ---- */

/* Milliseconds until a reset, -1 when the text is neither number nor date. */
static int64_t read_reset_ms(const char *value, int64_t wall_s) {
  int64_t number;
  if (!icrm_header_number(value, &number)) {
    number = icrm_header_date_s(value);
    if (number < 0)
      return -1;
  }
  if (number >= 1000000000000)
    return number - wall_s * 1000;
  return (number >= 1000000000 ? number - wall_s : number) * 1000;
}

static struct icrm_quota_header *family_of(struct icrm_quota *quota,
                                           const char **name) {
  static const struct {
    const char *prefix;
    bool flood;
  } families[] = {{"X-FloodControl-", true},
                  {"X-RateLimit-", false},
                  {"RateLimit-", false}};
  for (int i = 0; i < 3; i++) {
    size_t len = strlen(families[i].prefix);
    if (strncasecmp(*name, families[i].prefix, len))
      continue;
    *name += len;
    return families[i].flood ? &quota->flood : &quota->rate;
  }
  return NULL;
}

static bool ends_with(const char *name, const char *end) {
  size_t len = strlen(name), end_len = strlen(end);
  return len >= end_len && !strcasecmp(name + len - end_len, end);
}

static void read_length(struct icrm_quota_header *header, const char *name) {
  static const struct {
    const char *word;
    int64_t ms;
  } words[] = {
      {"Minute", MINUTE_MS}, {"Hour", HOUR_MS}, {"Da", DAY_MS}, {"Sec", 1000}};
  for (int i = 0; i < 4; i++)
    if (!strncasecmp(name, words[i].word, strlen(words[i].word)))
      header->length_ms = words[i].ms;
}

static void begin_window(struct icrm_quota_header *header, int in_flight) {
  header->least = header->told;
  header->left = header->told > in_flight ? header->told - in_flight : 0;
}

static void read_remaining(struct icrm_quota_header *header, int64_t told,
                           int in_flight, int64_t now_ms) {
  header->told = told;
  if (header->left < 0 || header->reset_ms <= now_ms) {
    header->reset_ms = now_ms + header->length_ms;
    begin_window(header, in_flight);
    return;
  }
  if (told < header->least)
    header->least = told;
  if (in_flight == 0 || header->least < header->left)
    header->left = header->least;
}

void icrm_quota_header(struct icrm_quota *quota, const char *name,
                       const char *value, int in_flight, int64_t now_ms,
                       int64_t wall_s) {
  struct icrm_quota_header *header = family_of(quota, &name);
  int64_t number;
  value = skip_space(value);
  if (!header)
    return;
  if (ends_with(name, "Limit")) {
    read_length(header, name);
    if (icrm_header_number(value, &number))
      header->limit = number > 0 ? number : 0;
  }
  if (ends_with(name, "Remaining") && icrm_header_number(value, &number))
    read_remaining(header, number > 0 ? number : 0, in_flight, now_ms);
  if (!ends_with(name, "Reset") && !ends_with(name, "ResetTime"))
    return;
  int64_t reset_ms = read_reset_ms(value, wall_s);
  if (reset_ms < 0)
    return;
  if (reset_ms > header->length_ms)
    reset_ms = header->length_ms;
  if (now_ms + reset_ms > header->reset_ms + SAME_WINDOW_MS &&
      header->left >= 0)
    begin_window(header, in_flight);
  header->reset_ms = now_ms + reset_ms;
}
