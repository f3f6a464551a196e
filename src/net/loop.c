/* Who takes part in a wait, and the wait itself. */
#include "core/clock.h"
#include "net/transport_impl.h"

#define LONGEST_WAIT_MS 60000
/* Below this the next request is not hurried out before results are handed
 * over: it costs a fifth of the throughput and there is no wait to hide. */
#define LATENCY_WORTH_HIDING_US 3000

void icrm_transport_join(struct icrm_transport *transport,
                         struct icrm_transport_member *member) {
  member->next = transport->members;
  transport->members = member;
}

void icrm_transport_leave(struct icrm_transport *transport,
                          struct icrm_transport_member *member) {
  struct icrm_transport_member **link = &transport->members;
  while (*link && *link != member)
    link = &(*link)->next;
  if (*link)
    *link = member->next;
}

void icrm_transport_notify(struct icrm_transport *transport) {
  transport->news++;
}

/* Let each member start what it can; returns the nearest wish, -1 for none. */
static int turn_members(struct icrm_transport *transport) {
  int64_t now = icrm_clock_ms();
  int nearest = -1;
  for (struct icrm_transport_member *m = transport->members; m; m = m->next) {
    int wish = m->turn(m, now);
    if (wish >= 0 && (nearest < 0 || wish < nearest))
      nearest = wish;
  }
  return nearest;
}

void icrm_transport_await_step(struct icrm_transport *transport) {
  transport->awaits_step = true;
}

int icrm_transport_kick(struct icrm_transport *transport,
                        struct icrm_error *err) {
  if (icrm_transport_check_process(transport, err) != 0)
    return -1;
  if (transport->awaits_step || transport->latency_us < LATENCY_WORTH_HIDING_US)
    return 0;
  const uint64_t ended = transport->ended;
  if (icrm_transport_perform(transport, err) != 0)
    return -1;
  if (transport->ended == ended)
    return 0;
  turn_members(transport);
  return icrm_transport_perform(transport, err);
}

int icrm_transport_step(struct icrm_transport *transport, int timeout_ms,
                        struct icrm_error *err) {
  if (icrm_transport_check_process(transport, err) != 0)
    return -1;
  const uint64_t news = transport->news;
  const int64_t deadline = icrm_clock_ms() + timeout_ms;
  transport->awaits_step = false;
  int wish = turn_members(transport);
  for (;;) {
    const uint64_t ended = transport->ended;
    if (icrm_transport_perform(transport, err) != 0)
      return -1;
    if (transport->ended != ended || wish == 0)
      wish = turn_members(transport);
    if (transport->news != news) {
      if (transport->latency_us < LATENCY_WORTH_HIDING_US)
        return 0;
      return icrm_transport_perform(transport, err);
    }
    if (transport->running == 0 && wish < 0)
      return 0;
    int64_t left =
        timeout_ms < 0 ? LONGEST_WAIT_MS : deadline - icrm_clock_ms();
    if (left <= 0)
      return 0;
    if (left > LONGEST_WAIT_MS)
      left = LONGEST_WAIT_MS;
    bool is_timer = wish >= 0 && wish < left;
    int wait_ms = is_timer ? wish : (int)left;
    int64_t end_ms = icrm_clock_ms() + wait_ms;
    int count = icrm_transport_wait(transport, wait_ms);
    /* Ended before its time without activity: a signal, so let the caller's
     * language look at it. */
    if (count < 0 || (count == 0 && icrm_clock_ms() + 1 < end_ms))
      return icrm_transport_perform(transport, err);
    if (is_timer)
      wish = 0;
  }
}
