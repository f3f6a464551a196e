#include "check.h"
#include "lanes/quota_file.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW_MS 1795510177000
static const int64_t now_ms = NOW_MS;
static char path[64];

/* A process of its own: nothing in common but the file. */
struct process {
  struct icrm_quota quota;
  struct icrm_quota_file file;
};

static struct process *begin(const char *rate, int64_t at_ms) {
  struct process *p = calloc(1, sizeof *p);
  struct icrm_error err;
  icrm_quota_init(&p->quota);
  CHECK(icrm_quota_parse(&p->quota, rate, &err) == 0);
  icrm_quota_file_init(&p->file, path);
  icrm_quota_file_load(&p->file, &p->quota, at_ms);
  return p;
}

static void end(struct process *p) {
  icrm_quota_file_close(&p->file);
  free(p);
}

static void spend(struct process *p, int n, int64_t at_ms) {
  for (int i = 0; i < n; i++)
    icrm_quota_file_spend(&p->file, &p->quota, 1, at_ms);
}

static void the_next_process_knows_what_was_spent(void) {
  struct process *p = begin("10/day", now_ms);
  CHECK(access(path, F_OK) != 0); /* looking makes no file */
  spend(p, 10, now_ms);
  end(p);
  struct stat st;
  CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
  p = begin("5/min, 10/day", now_ms + 3600000);
  CHECK(icrm_quota_wait_ms(&p->quota, now_ms + 3600000) > 22 * 3600000);
  CHECK(icrm_quota_wait_ms(&p->quota, now_ms + 25 * 3600000) == 0);
  end(p);
  p = begin("10/h", now_ms + 60000); /* stated anew: nothing is known of it */
  CHECK(icrm_quota_wait_ms(&p->quota, now_ms + 60000) == 0);
  end(p);
  unlink(path);
}

static void two_at_a_time_do_not_spend_twice(void) {
  struct process *a = begin("10/day", now_ms), *b = begin("10/day", now_ms);
  spend(a, 4, now_ms);
  spend(b, 5, now_ms);
  CHECK(icrm_quota_wait_ms(&b->quota, now_ms) == 0);
  spend(a, 1, now_ms);
  CHECK(icrm_quota_wait_ms(&a->quota, now_ms) > 0);
  end(a);
  end(b);
  unlink(path);
}

static void one_with_another_quota_leaves_the_rest_alone(void) {
  struct process *p = begin("10/day", now_ms);
  spend(p, 10, now_ms);
  end(p);
  static const char *const others[] = {"5/min", ""};
  for (int i = 0; i < 2; i++) {
    p = begin(others[i], now_ms);
    icrm_quota_pause(&p->quota, 1, now_ms);
    spend(p, 1, now_ms);
    icrm_quota_file_spend(&p->file, &p->quota, 0, now_ms);
    end(p);
  }
  p = begin("10/day", now_ms + 2000);
  CHECK(icrm_quota_wait_ms(&p->quota, now_ms + 2000) > 22 * 3600000);
  end(p);
  unlink(path);
}

/* A computer that slept: the clock of what ran before stood still. */
static void one_whose_clock_is_behind_takes_nothing_away(void) {
  const int64_t before_ms = now_ms - 8 * 3600000;
  struct process *late = begin("10/day", before_ms);
  struct process *p = begin("10/day", now_ms);
  spend(late, 1, before_ms);
  spend(p, 8, now_ms);
  spend(late, 1, before_ms);
  CHECK(icrm_quota_wait_ms(&p->quota, now_ms) == 0);
  spend(p, 1, now_ms);
  CHECK(icrm_quota_wait_ms(&p->quota, now_ms) > 0); /* 2 and 9 */
  end(late);
  end(p);
  unlink(path);
}

static void a_long_closing_by_the_server_is_kept(void) {
  struct process *p = begin("", now_ms);
  spend(p, 3, now_ms);
  CHECK(access(path, F_OK) != 0);
  icrm_quota_pause(&p->quota, 3600, now_ms);
  icrm_quota_header(&p->quota, "X-RateLimit-Remaining", "0", 0, now_ms, 0);
  icrm_quota_header(&p->quota, "X-RateLimit-Reset", "7200", 0, now_ms, 0);
  icrm_quota_file_spend(&p->file, &p->quota, 0, now_ms);
  end(p);
  p = begin("", now_ms + 1000);
  CHECK(icrm_quota_wait_ms(&p->quota, now_ms + 1000) == 7199000);
  CHECK(icrm_quota_wait_ms(&p->quota, now_ms + 7200000) == 0);
  end(p);
  unlink(path);
}

static void an_absurd_pause_does_not_lock_others_out(void) {
  struct process *p = begin("10/day", now_ms);
  icrm_quota_pause(&p->quota, 80000, now_ms);
  spend(p, 1, now_ms);
  CHECK(icrm_quota_wait_ms(&p->quota, now_ms) == 80000 * 1000);
  end(p);
  p = begin("10/day", now_ms + 1000);
  CHECK(icrm_quota_wait_ms(&p->quota, now_ms + 1000) == 3599000);
  end(p);
  const int64_t later_ms = now_ms + 3600000;
  p = begin("10/day", later_ms);
  CHECK(icrm_quota_wait_ms(&p->quota, later_ms) == 0);
  spend(p, 1, later_ms); /* it is let in: nobody waits any more */
  CHECK(icrm_quota_wait_ms(&p->quota, later_ms) == 0);
  end(p);
  unlink(path);
}

static void what_cannot_be_is_not_believed(void) {
  struct process *p = begin("1/day", now_ms + 100 * 86400000LL);
  spend(p, 1, now_ms + 100 * 86400000LL); /* the clock was wrong */
  end(p);
  p = begin("1/day", now_ms);
  CHECK(icrm_quota_wait_ms(&p->quota, now_ms) == 0);
  end(p);
  FILE *file = fopen(path, "wb");
  CHECK(file != NULL);
  fputs("icrm quota 1\n and then nothing that makes sense", file);
  fclose(file);
  p = begin("1/day", now_ms);
  CHECK(icrm_quota_wait_ms(&p->quota, now_ms) == 0);
  spend(p, 1, now_ms);
  CHECK(icrm_quota_wait_ms(&p->quota, now_ms) > 0);
  end(p);
  unlink(path);
}

/* Whatever number stands in it, nobody waits longer than a window is. */
static void no_damage_of_the_file_does_harm(void) {
  static const int64_t numbers[] = {INT64_MAX, INT64_MIN, -1, 1, NOW_MS};
  struct process *p = begin("10/day, 5/min", now_ms);
  icrm_quota_header(&p->quota, "X-RateLimit-Remaining", "9", 0, now_ms, 0);
  spend(p, 3, now_ms);
  end(p);
  struct stat st;
  CHECK(stat(path, &st) == 0);
  FILE *file = fopen(path, "r+b");
  CHECK(file != NULL);
  for (long at = 16; at < st.st_size; at += 8)
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
      int64_t was;
      CHECK(fseek(file, at, SEEK_SET) == 0 && fread(&was, 8, 1, file) == 1);
      CHECK(fseek(file, at, SEEK_SET) == 0 &&
            fwrite(&numbers[i], 8, 1, file) == 1 && fflush(file) == 0);
      p = begin("10/day, 5/min", now_ms);
      icrm_quota_header(&p->quota, "X-RateLimit-Remaining", "9", 0, now_ms, 0);
      CHECK(icrm_quota_wait_ms(&p->quota, now_ms) < 25 * 3600000);
      icrm_quota_spend(&p->quota, 1, now_ms);
      CHECK(icrm_quota_wait_ms(&p->quota, now_ms + 25 * 3600000) == 0);
      end(p);
      CHECK(fseek(file, at, SEEK_SET) == 0 && fwrite(&was, 8, 1, file) == 1);
    }
  fclose(file);
  unlink(path);
}

static void without_a_place_it_counts_alone(void) {
  struct process *p = begin("1/day", now_ms);
  icrm_quota_file_init(&p->file, "/nonexistent/folder/file");
  spend(p, 1, now_ms);
  CHECK(icrm_quota_wait_ms(&p->quota, now_ms) > 0);
  end(p);
}

int main(void) {
  char folder[] = "/tmp/icrm-quota-XXXXXX";
  CHECK(mkdtemp(folder) != NULL);
  snprintf(path, sizeof path, "%s/q", folder);
  the_next_process_knows_what_was_spent();
  two_at_a_time_do_not_spend_twice();
  one_with_another_quota_leaves_the_rest_alone();
  one_whose_clock_is_behind_takes_nothing_away();
  a_long_closing_by_the_server_is_kept();
  an_absurd_pause_does_not_lock_others_out();
  what_cannot_be_is_not_believed();
  no_damage_of_the_file_does_harm();
  without_a_place_it_counts_alone();
  CHECK(rmdir(folder) == 0);
  return 0;
}
