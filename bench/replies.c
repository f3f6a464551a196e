#include "replies.h"

static const char *const fields[] = {"ticket_no",
                                     "ticket_title",
                                     "ticketstatus",
                                     "ticketpriorities",
                                     "ticketseverities",
                                     "ticketcategories",
                                     "assigned_user_id",
                                     "parent_id",
                                     "contact_id",
                                     "product_id",
                                     "createdtime",
                                     "modifiedtime",
                                     "modifiedby",
                                     "hours",
                                     "days",
                                     "source",
                                     "from_portal",
                                     "starred",
                                     "tags",
                                     "description",
                                     "solution"};
/* What the clients create; in a page a '#' becomes a number of the row. */
static const char *const values[] = {
    "TT#",
    "Panneau livr\\u00e9 en retard#",
    "Open",
    "High",
    "Major",
    "Big Problem",
    "19x1",
    "11x262015#",
    "12x4711#",
    "",
    "2026-11-24 10:00:#",
    "2026-11-24 10:07:#",
    "19x1",
    "0",
    "0",
    "WEBSERVICE",
    "0",
    "0",
    "",
    "Soci\\u00e9t\\u00e9 des p\\u00e9pini\\u00e8res du Val: "
    "la livraison# pr\\u00e9vue lundi n\\u0027est pas arriv\\u00e9e.",
    ""};
/* What an update makes of the record's ticketstatus; as long as what it was. */
static const char OPEN[] = "Open", SHUT[] = "Shut",
                  STATUS[] = "\"ticketstatus\":\"Open";
enum { FIELDS = sizeof fields / sizeof *fields, ID_DIGITS = 7 };

static const char describe[] =
    "{\"label\":\"Tickets\",\"name\":\"HelpDesk\",\"createable\":true,"
    "\"updateable\":true,\"deleteable\":true,\"retrieveable\":true,"
    "\"idPrefix\":\"17\",\"isEntity\":true,\"labelFields\":\"ticket_title\","
    "\"fields\":[";

static size_t add_value(char *out, const char *value, int row) {
  size_t len = 0;
  for (; *value; value++)
    if (*value != '#')
      out[len++] = *value;
    else if (row >= 0)
      len += (size_t)sprintf(out + len, "%d", 10 + row * 7);
  return len;
}

/* Append a record, "id" last; returns where the digits of its id are. */
static size_t add_record(char *out, size_t *len, int row) {
  out[(*len)++] = '{';
  for (int i = 0; i < FIELDS; i++) {
    *len += (size_t)sprintf(out + *len, "\"%s\":\"", fields[i]);
    *len += add_value(out + *len, values[i], row);
    *len += (size_t)sprintf(out + *len, "\",");
  }
  *len += (size_t)sprintf(out + *len, "\"id\":\"17x%d\"}", FIRST_ID);
  return *len - 2 - ID_DIGITS;
}

static void put_id(char *digits, long id) {
  for (int i = ID_DIGITS - 1; i >= 0; i--, id /= 10)
    digits[i] = (char)('0' + id % 10);
}

void replies_prepare(struct replies *replies, long rows) {
  size_t len = 0;
  replies->rows = rows;
  replies->next_id = 2000001;
  replies->record_id = add_record(replies->record, &len, -1);
  replies->record[len] = '\0';
  replies->record_status =
      (size_t)(strstr(replies->record, STATUS) - replies->record) +
      sizeof STATUS - sizeof OPEN;
  len = 0;
  replies->page[len++] = '[';
  for (int i = 0; i < PAGE_ROWS; i++) {
    if (i > 0)
      replies->page[len++] = ',';
    replies->row_ids[i] = add_record(replies->page, &len, i);
    replies->row_ends[i] = len;
  }
}

/* The head is written in front of a body of known length. */
static size_t write_head(char *out, size_t body_len) {
  return (size_t)sprintf(out,
                         "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                         "Content-Length: %zu\r\n\r\n",
                         body_len);
}

static const char BEFORE[] = "{\"success\":true,\"result\":", AFTER[] = "}";

static size_t write_result(char *out, const char *result, size_t len) {
  size_t at = write_head(out, sizeof BEFORE - 1 + len + sizeof AFTER - 1);
  memcpy(out + at, BEFORE, sizeof BEFORE - 1);
  at += sizeof BEFORE - 1;
  memcpy(out + at, result, len);
  at += len;
  memcpy(out + at, AFTER, sizeof AFTER - 1);
  return at + sizeof AFTER - 1;
}

size_t reply_write(char *out, const char *result) {
  return write_result(out, result, strlen(result));
}

static bool is_the_servers(const char *field) {
  return strcmp(field, "ticket_no") == 0 || strcmp(field, "createdtime") == 0 ||
         strcmp(field, "modifiedtime") == 0 || strcmp(field, "source") == 0;
}

static size_t describe_reply(char *out) {
  char text[8192];
  size_t len = (size_t)sprintf(text, "%s", describe);
  for (int i = 0; i < FIELDS; i++)
    len += (size_t)sprintf(
        text + len,
        "%s{\"name\":\"%s\",\"label\":\"%s\",\"mandatory\":%s,\"type\":{"
        "\"name\":\"string\"},\"nullable\":true,\"editable\":%s,"
        "\"default\":\"\"}",
        i ? "," : "", fields[i], fields[i], i == 1 ? "true" : "false",
        is_the_servers(fields[i]) ? "false" : "true");
  sprintf(text + len, "]}");
  return reply_write(out, text);
}

/* The last record that was updated is shut. */
static size_t record_reply(struct replies *replies, long id, char *out) {
  const char *status = id == replies->updated_id ? SHUT : OPEN;
  put_id(replies->record + replies->record_id, id);
  memcpy(replies->record + replies->record_status, status, sizeof OPEN - 1);
  return reply_write(out, replies->record);
}

/* The number in the `nth` '17x…' of a request, percent-encoded or not. */
static long id_in(const char *request, int nth, long otherwise) {
  const char *at = request;
  for (int i = 0; at && i < nth; i++) {
    at = strstr(at, "17x");
    at = at ? at + 3 : NULL;
  }
  return at ? atol(at) : otherwise;
}

/* Whether the id at `at` stands behind `<=`, percent-encoded or not. */
static bool is_upper_bound(const char *request, const char *at) {
  enum { BACK = 16 }; /* as far as "id %3C%3D %27" may reach */
  char before[BACK + 1] = "";
  size_t len = (size_t)(at - request) < BACK ? (size_t)(at - request) : BACK;
  memcpy(before, at - len, len);
  return strchr(before, '<') || strcasestr(before, "%3C");
}

/* The rows that `id > '17xA'` and `id <= '17xB'` ask for, each of which may be
 * missing: how many, and the first of them. */
static long rows_asked(const struct replies *replies, const char *request,
                       long *first) {
  const long last = FIRST_ID + replies->rows - 1;
  long until = last;
  *first = FIRST_ID;
  for (const char *at = request; (at = strstr(at, "17x")); at += 3) {
    if (!is_upper_bound(request, at))
      *first = atol(at + 3) + 1;
    else if (atol(at + 3) < last)
      until = atol(at + 3);
  }
  return until >= *first ? until - *first + 1 : 0;
}

static size_t page_reply(struct replies *replies, const char *request,
                         char *out) {
  long first, left = rows_asked(replies, request, &first);
  if (left == 0)
    return reply_write(out, "[]");
  int rows = left < PAGE_ROWS ? (int)left : PAGE_ROWS;
  size_t len = replies->row_ends[rows - 1];
  for (int i = 0; i < rows; i++)
    put_id(replies->page + replies->row_ids[i], first + i);
  char kept = replies->page[len];
  replies->page[len] = ']';
  size_t out_len = write_result(out, replies->page, len + 1);
  replies->page[len] = kept;
  return out_len;
}

static size_t query_reply(struct replies *replies, const char *request,
                          char *out) {
  char text[64];
  long first;
  if (!strcasestr(request, "count"))
    return page_reply(replies, request, out);
  snprintf(text, sizeof text, "[{\"count\":\"%ld\"}]",
           rows_asked(replies, request, &first));
  return reply_write(out, text);
}

static size_t login_reply(struct replies *replies, char *out) {
  char text[160];
  snprintf(text, sizeof text,
           "{\"sessionName\":\"s%ld\",\"userId\":\"19x1\",\"version\":\"0.22\","
           "\"VtigerVersion\":\"6.0.0\"}",
           ++replies->next_session);
  return reply_write(out, text);
}

static bool is(const char *operation, const char *name) {
  return strncmp(operation, name, strlen(name)) == 0;
}

size_t reply_to(struct replies *replies, const char *operation,
                const char *request, char *out) {
  if (is(operation, "query"))
    return query_reply(replies, request, out);
  if (is(operation, "create"))
    return record_reply(replies, replies->next_id++, out);
  if (is(operation, "update") || is(operation, "revise"))
    replies->updated_id = id_in(request, 1, 0);
  if (is(operation, "retrieve") || is(operation, "update") ||
      is(operation, "revise"))
    return record_reply(replies, id_in(request, 1, FIRST_ID), out);
  if (is(operation, "login"))
    return login_reply(replies, out);
  if (is(operation, "getchallenge"))
    return reply_write(out, "{\"token\":\"5474a5c7a4e1b\",\"serverTime\":"
                            "1795510177,\"expireTime\":1795510477}");
  if (is(operation, "describe"))
    return describe_reply(out);
  if (is(operation, "listtypes"))
    return reply_write(out, "{\"types\":[\"HelpDesk\"],\"information\":{"
                            "\"HelpDesk\":{\"isEntity\":true,\"label\":"
                            "\"Tickets\",\"singular\":\"Ticket\"}}}");
  return reply_write(out, "{\"message\":\"successfull\"}");
}
