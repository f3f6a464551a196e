#include "lanes/calls.h"

#include <stdio.h>

void icrm_calls_push(struct icrm_call_list *list, struct icrm_call *call) {
  if (!list->tail)
    list->tail = &list->head;
  call->next = NULL;
  *list->tail = call;
  list->tail = &call->next;
  list->count++;
}

void icrm_calls_unshift(struct icrm_call_list *list, struct icrm_call *call) {
  if (!list->head)
    list->tail = &call->next;
  call->next = list->head;
  list->head = call;
  list->count++;
}

struct icrm_call *icrm_calls_remove(struct icrm_call_list *list,
                                    struct icrm_call **link) {
  struct icrm_call *call = *link;
  *link = call->next;
  if (!call->next)
    list->tail = link;
  call->next = NULL;
  list->count--;
  return call;
}

struct icrm_call *icrm_calls_shift(struct icrm_call_list *list) {
  return icrm_calls_remove(list, &list->head);
}

size_t icrm_calls_waiting(const struct icrm_calls *calls) {
  return calls->queue.count + calls->pinned.count + calls->delayed.count;
}

static struct icrm_call *take(struct icrm_call_list *list, uint64_t id) {
  for (struct icrm_call **link = &list->head; *link; link = &(*link)->next)
    if ((*link)->result.id == id)
      return icrm_calls_remove(list, link);
  return NULL;
}

struct icrm_call *icrm_calls_take(struct icrm_calls *calls, uint64_t id) {
  struct icrm_call *call = take(&calls->queue, id);
  if (!call)
    call = take(&calls->pinned, id);
  return call ? call : take(&calls->delayed, id);
}

void icrm_calls_finish(struct icrm_calls *calls, struct icrm_call *call,
                       const struct icrm_error *err) {
  icrm_transport_notify(calls->transport);
  if (call->is_silent) {
    icrm_call_free(call);
    return;
  }
  icrm_call_drop_request(call);
  call->result.ok = !err;
  if (err)
    call->result.err = *err;
  icrm_calls_push(&calls->ready, call);
}

void icrm_calls_fail(struct icrm_calls *calls, struct icrm_call_list *list,
                     const struct icrm_error *err) {
  while (list->head) {
    struct icrm_call *call = icrm_calls_shift(list);
    struct icrm_error own = *err;
    if (own.operation[0] == '\0')
      snprintf(own.operation, sizeof own.operation, "%.31s", call->operation);
    icrm_calls_finish(calls, call, &own);
  }
}

int icrm_calls_wake(struct icrm_calls *calls, int64_t now_ms) {
  int64_t nearest = -1;
  struct icrm_call **link = &calls->delayed.head;
  while (*link) {
    int64_t left = (*link)->not_before_ms - now_ms;
    if (left <= 0) {
      icrm_calls_unshift(&calls->queue,
                         icrm_calls_remove(&calls->delayed, link));
      continue;
    }
    if (nearest < 0 || left < nearest)
      nearest = left;
    link = &(*link)->next;
  }
  return (int)nearest;
}

const struct icrm_result *icrm_calls_next(struct icrm_calls *calls) {
  icrm_call_free(calls->taken);
  calls->taken = calls->ready.head ? icrm_calls_shift(&calls->ready) : NULL;
  return calls->taken ? &calls->taken->result : NULL;
}

static void free_all(struct icrm_call_list *list) {
  while (list->head)
    icrm_call_free(icrm_calls_shift(list));
}

void icrm_calls_clear(struct icrm_calls *calls) {
  free_all(&calls->queue);
  free_all(&calls->pinned);
  free_all(&calls->delayed);
  free_all(&calls->ready);
  icrm_call_free(calls->taken);
  calls->taken = NULL;
}
