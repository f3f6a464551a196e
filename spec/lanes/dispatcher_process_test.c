/* The dispatcher among signals, forks and descriptors. */
#include "check.h"
#include "core/clock.h"
#include "core/interrupt.h"
#include "lanes/scripted_crm.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int open_descriptors_without_cloexec(void) {
  int count = 0;
  for (int fd = 3; fd < 256; fd++) {
    int flags = fcntl(fd, F_GETFD);
    if (flags >= 0 && !(flags & FD_CLOEXEC))
      count++;
  }
  return count;
}

static void descriptors_are_close_on_exec(void) {
  struct crm crm;
  int before = open_descriptors_without_cloexec();
  struct icrm_error err;
  crm.transport = icrm_transport_new(&err);
  CHECK(open_descriptors_without_cloexec() == before);
  icrm_transport_release(crm.transport);
  open_crm(&crm, 1);
  CHECK(create(&crm)->ok);
  CHECK(open_descriptors_without_cloexec() == before);
  close_crm(&crm);
}

static void a_fork_may_not_use_the_client(void) {
  struct crm crm;
  open_crm(&crm, 1);
  CHECK(create(&crm)->ok);
  pid_t child = fork();
  if (child == 0) {
    struct icrm_error err;
    struct icrm_call_options call = CREATE;
    bool refused = icrm_dispatcher_submit(crm.d, &call, &err) == 0 &&
                   err.kind == ICRM_ERROR_CONFIG &&
                   icrm_dispatcher_step(crm.d, 0, &err) < 0;
    icrm_dispatcher_free(crm.d); /* must not disturb the parent's */
    icrm_transport_release(crm.transport);
    /* Another program's exit: what the child had to leave is no leak. */
    execl(refused ? "/bin/true" : "/bin/false", "child", NULL);
  }
  int status;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  CHECK(create(&crm)->ok && crm.server.connections == 1);
  close_crm(&crm);
}

static void closing_in_the_middle_is_clean(void) {
  struct crm crm;
  struct icrm_error err;
  open_crm(&crm, 2);
  scripted_reply(&crm.server, "200 OK", "", OK_BODY)->delay_ms = 200;
  submit(&crm, CREATE);
  submit(&crm, CREATE);
  submit(&crm, RETRIEVE);
  while (crm.server.creates == 0)
    CHECK(icrm_dispatcher_step(crm.d, 20, &err) >= 0);
  close_crm(&crm);
}

static void on_alarm(int number) {
  (void)number;
  icrm_interrupt_raise();
}

static void check_alarm_ends_the_wait(struct crm *crm) {
  struct icrm_error err;
  struct itimerval soon = {.it_value = {.tv_usec = 50000}};
  setitimer(ITIMER_REAL, &soon, NULL);
  while (!icrm_interrupt_pending())
    CHECK(icrm_dispatcher_step(crm->d, 60000, &err) >= 0);
  icrm_interrupt_clear();
}

/* A wait ends when the host's handler raises, and on any other signal. */
static void signals_end_the_wait(void) {
  struct crm crm;
  struct icrm_error err;
  struct sigaction action = {.sa_handler = on_alarm};
  open_crm(&crm, 1);
  CHECK(retrieve(&crm)->ok);
  sigaction(SIGALRM, &action, NULL);
  for (int with_descriptor = 0; with_descriptor < 2; with_descriptor++) {
    if (with_descriptor)
      CHECK(icrm_interrupt_open(&err) == 0);
    scripted_reply(&crm.server, "200 OK", "", OK_BODY)->is_held = true;
    uint64_t id = submit(&crm, CREATE);
    check_alarm_ends_the_wait(&crm);
    CHECK(stats_of(&crm).in_flight == 1);
    scripted_release(&crm.server);
    CHECK(wait_for(&crm, id)->ok); /* what is under way is not lost */
    scripted_reply(&crm.server, "429 Slow", "Retry-After: 3\r\n", "");
    id = submit(&crm, RETRIEVE);
    while (stats_of(&crm).wait_ms == 0)
      CHECK(icrm_dispatcher_step(crm.d, 10, &err) >= 0);
    check_alarm_ends_the_wait(&crm);
    CHECK(stats_of(&crm).in_flight == 0); /* not the end of the pause */
    CHECK(wait_for(&crm, id)->ok);
  }
  signal(SIGALRM, SIG_DFL);
  close_crm(&crm);
}

/* A computer that wakes up: the wall clock alone has gone on. */
static int64_t asleep_s;

int clock_gettime(clockid_t id, struct timespec *now) {
  const int rc = (int)syscall(SYS_clock_gettime, id, now);
  if (id == CLOCK_REALTIME)
    now->tv_sec += asleep_s;
  return rc;
}

static void time_asleep_counts_for_a_wait(void) {
  struct crm crm;
  struct icrm_error err;
  open_crm(&crm, 1);
  CHECK(retrieve(&crm)->ok);
  scripted_reply(&crm.server, "429 Slow", "Retry-After: 600\r\n", "");
  uint64_t id = submit(&crm, RETRIEVE);
  while (stats_of(&crm).wait_ms == 0)
    CHECK(icrm_dispatcher_step(crm.d, 10, &err) >= 0);
  CHECK(icrm_dispatcher_step(crm.d, 10, &err) == 0);
  asleep_s = 700;
  CHECK(wait_for(&crm, id)->ok);
  asleep_s = 0;
  close_crm(&crm);
}

static void logout_is_polite(void) {
  struct crm crm;
  open_crm(&crm, 1);
  CHECK(create(&crm)->ok);
  icrm_dispatcher_logout(crm.d, 1000);
  CHECK(scripted_count(&crm.server, "operation=logout&sessionName=secret-1") ==
        1);
  CHECK(create(&crm)->session == 2);
  close_crm(&crm);
}

int main(void) {
  begin_crms();
  descriptors_are_close_on_exec();
  a_fork_may_not_use_the_client();
  closing_in_the_middle_is_clean();
  signals_end_the_wait();
  logout_is_polite();
  time_asleep_counts_for_a_wait();
  end_crms();
  return 0;
}
