#include "check.h"
#include "lanes/calls.h"

static struct icrm_calls calls;

static struct icrm_call *new_call(uint64_t id) {
  struct icrm_call *call = icrm_call_new(id, "retrieve", NULL);
  CHECK(call);
  return call;
}

static void first_in_first_out(void) {
  struct icrm_call_list *list = &calls.queue;
  for (uint64_t id = 1; id <= 3; id++)
    icrm_calls_push(list, new_call(id));
  icrm_calls_unshift(list, new_call(4));
  CHECK(list->count == 4 && icrm_calls_waiting(&calls) == 4);
  struct icrm_call *last = icrm_calls_take(&calls, 3);
  CHECK(last->result.id == 3 && !icrm_calls_take(&calls, 3));
  icrm_calls_push(list, last); /* the list knows its new end */
  static const uint64_t order[] = {4, 1, 2, 3};
  for (int i = 0; i < 4; i++) {
    struct icrm_call *call = icrm_calls_shift(list);
    CHECK(call->result.id == order[i]);
    icrm_call_free(call);
  }
  CHECK(list->count == 0 && !list->head);
}

static void delayed_calls_wake_in_time(void) {
  for (uint64_t id = 1; id <= 3; id++) {
    struct icrm_call *call = new_call(id);
    call->not_before_ms = (int64_t)id * 100;
    icrm_calls_push(&calls.delayed, call);
  }
  CHECK(icrm_calls_wake(&calls, 50) == 50 && !calls.queue.head);
  CHECK(icrm_calls_wake(&calls, 200) == 100 && calls.queue.count == 2);
  CHECK(icrm_calls_wake(&calls, 300) == -1 && calls.queue.count == 3);
  CHECK(icrm_calls_wake(&calls, 300) == -1);
}

static void results_come_in_the_order_of_completion(void) {
  struct icrm_error err;
  icrm_error_set(&err, ICRM_ERROR_CANCELED, "given up");
  icrm_calls_finish(&calls, icrm_calls_take(&calls, 2), NULL);
  struct icrm_call *silent = icrm_calls_take(&calls, 3);
  silent->is_silent = true;
  icrm_calls_finish(&calls, silent, NULL);
  icrm_calls_fail(&calls, &calls.queue, &err);
  const struct icrm_result *result = icrm_calls_next(&calls);
  CHECK(result->id == 2 && result->ok);
  result = icrm_calls_next(&calls);
  CHECK(result->id == 1 && !result->ok);
  CHECK_TEXT(result->err.operation, "retrieve");
  CHECK(!icrm_calls_next(&calls) && icrm_calls_waiting(&calls) == 0);
}

int main(void) {
  struct icrm_error err;
  calls.transport = icrm_transport_new(&err);
  CHECK(calls.transport);
  first_in_first_out();
  delayed_calls_wake_in_time();
  results_come_in_the_order_of_completion();
  icrm_calls_push(&calls.pinned, new_call(9));
  icrm_calls_clear(&calls);
  icrm_transport_release(calls.transport);
  return 0;
}
