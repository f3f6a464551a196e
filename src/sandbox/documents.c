#include "sandbox/documents.h"

#include "core/base64.h"
#include "sandbox/link.h"
#include "sandbox/target.h"

#include <stdlib.h>
#include <string.h>

static int set_text(struct sb_values *values, struct icrm_sandbox *sandbox,
                    const char *name, const char *text) {
  int field = sb_module_field(values->module, name, strlen(name));
  json_t *value = json_string(text);
  int rc = 0;
  if (field >= 0)
    rc = value ? sb_values_set(values, sandbox, field, value) : -1;
  json_decref(value);
  return rc;
}

/* Blanks become underscores; a name that a web server might run is disarmed. */
static void clean_name(const char *given, char name[256]) {
  const char *base = strrchr(given, '/');
  const char *ending = strrchr(given, '.');
  snprintf(name, 256, "%s%s", base ? base + 1 : given,
           ending && strncasecmp(ending, ".php", 4) == 0 ? "file.txt" : "");
  for (char *at = name; *at; at++)
    if (*at == ' ')
      *at = '_';
}

static int set_file(struct sb_call *call, struct sb_values *values,
                    const struct sb_document *document) {
  char size[32];
  snprintf(size, sizeof size, "%zu", document->data.len);
  if (sb_trait(call, SB_TRAIT_FILE_IN_ELEMENT) &&
      set_text(values, call->sandbox, "filedownloadcount", "0"))
    return -1;
  return set_text(values, call->sandbox, "filename", document->name) ||
                 set_text(values, call->sandbox, "filetype", document->type) ||
                 set_text(values, call->sandbox, "filesize", size)
             ? -1
             : 0;
}

/* Only the part `filename` is looked at, though any is kept. */
static int read_upload(struct sb_call *call, struct sb_values *values,
                       struct sb_document *document) {
  const struct sb_upload *upload = &call->request->uploads[0];
  for (size_t i = 0; i < call->request->n_uploads; i++)
    if (strcmp(call->request->uploads[i].part, "filename") == 0)
      upload = &call->request->uploads[i];
  document->present = true;
  document->data = upload->data;
  document->type = upload->type;
  clean_name(upload->name, document->name);
  return strcmp(upload->part, "filename") == 0
             ? set_file(call, values, document)
             : 0;
}

/* What a file is, by its first bytes: the name comes without an ending. */
static void sniff(const struct icrm_buf *data, const char **type,
                  const char **ending) {
  static const struct {
    const char *magic;
    size_t len;
    const char *type, *ending;
  } known[] = {
      {"%PDF", 4, "application/pdf", ".pdf"},
      {"\x89PNG", 4, "image/png", ".png"},
      {"\xFF\xD8\xFF", 3, "image/jpeg", ".jpg"},
      {"GIF8", 4, "image/gif", ".gif"},
      {"PK\x03\x04", 4, "application/zip", ".zip"},
  };
  *type = "text/plain";
  *ending = ".txt";
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (data->len >= known[i].len &&
        memcmp(data->data, known[i].magic, known[i].len) == 0) {
      *type = known[i].type;
      *ending = known[i].ending;
    }
}

/* filename_attachment: base64, or the URL of a file. The sandbox fetches
 * nothing, so that of a URL the URL itself is what it keeps. */
static int read_attachment(struct sb_call *call, struct sb_values *values,
                           struct sb_document *document) {
  const struct sb_param *file =
      sb_params_find(call->params, "filename_attachment");
  const char *name = sb_params_text(call->params, "filename_attachment_name");
  const char *ending = "";
  document->present = document->owned = true;
  if (strncmp(file->value, "http://", 7) == 0 ||
      strncmp(file->value, "https://", 8) == 0) {
    const char *dot = strrchr(file->value, '.');
    ending = dot && !strchr(dot, '/') ? dot : "";
    document->type = "application/octet-stream";
    icrm_buf_add(&document->data, file->value, file->len);
  } else {
    if (icrm_base64_decode(&document->data, file->value, file->len, NULL))
      icrm_buf_clear(&document->data);
    sniff(&document->data, &document->type, &ending);
  }
  char full[256];
  snprintf(full, sizeof full, "%s%s", *name ? name : "file", ending);
  clean_name(full, document->name);
  return set_file(call, values, document);
}

/* {name, size, type, content} as `filename` of the element, or so named in its
 * `attachments`. The size is believed. */
static int read_element_file(struct sb_call *call, struct sb_values *values,
                             const json_t *element,
                             struct sb_document *document) {
  const json_t *file = json_object_get(element, "filename");
  if (!json_is_object(file))
    file = json_object_get(json_object_get(element, "attachments"), "filename");
  if (!json_is_object(file))
    return 0;
  const json_t *content = json_object_get(file, "content");
  document->present = document->owned = true;
  document->type = sb_json_text(file, "type", "");
  clean_name(sb_json_text(file, "name", "file"), document->name);
  if (icrm_base64_decode(&document->data,
                         content ? json_string_value(content) : "",
                         json_string_length(content), NULL))
    icrm_buf_clear(&document->data);
  return set_file(call, values, document) ||
                 set_text(values, call->sandbox, "filesize",
                          sb_json_text(file, "size", "0"))
             ? -1
             : 0;
}

/* A document without a folder goes into the first one. */
static int set_folder(struct sb_call *call, struct sb_values *values) {
  int field = sb_module_field(values->module, "folderid", 8);
  if (field < 0 || strcmp(values->text[field].data, "0") != 0)
    return 0;
  int64_t first = sb_rows_one(
      sb_store_query(call->store, "SELECT min(id) FROM \"DocumentFolders\""),
      0);
  icrm_buf_clear(&values->text[field]);
  icrm_buf_addf(&values->text[field], "%lld", (long long)first);
  return values->text[field].failed ? -1 : 0;
}

int sb_documents_read(struct sb_call *call, struct sb_values *values,
                      const json_t *element, struct sb_document *document) {
  bool in_element = sb_trait(call, SB_TRAIT_FILE_IN_ELEMENT);
  if (strcmp(values->module->name, "Documents") != 0)
    return 0;
  if (!in_element && set_folder(call, values))
    return -1;
  if (call->request->n_uploads)
    return read_upload(call, values, document);
  if (in_element)
    return read_element_file(call, values, element, document);
  if (!sb_trait(call, SB_TRAIT_ATTACHMENT_PARAMS))
    return 0;
  document->related_to = sb_target_number(
      call->sandbox, sb_params_text(call->params, "related_to"));
  return sb_params_find(call->params, "filename_attachment")
             ? read_attachment(call, values, document)
             : 0;
}

int sb_documents_store(struct sb_call *call, const struct sb_document *document,
                       int64_t number) {
  if (document->related_to &&
      sb_link_records(call->store, document->related_to, number))
    return -1;
  if (!document->present)
    return 0;
  struct sb_rows *rows = sb_store_query(
      call->store, "INSERT INTO attachment VALUES (?, ?, ?, ?, ?)");
  if (!rows)
    return -1;
  sb_rows_integer(rows, call->sandbox->next_id++); /* in the one sequence */
  sb_rows_integer(rows, number);
  sb_rows_string(rows, document->name);
  sb_rows_string(rows, document->type);
  sb_rows_blob(rows, document->data.data, document->data.len);
  return sb_rows_run(rows);
}

int sb_documents_lose(struct sb_call *call, int64_t number,
                      struct sb_values *values, const json_t *element) {
  static const char *const left[][2] = {
      {"notes_title", ""},      {"filelocationtype", ""}, {"filestatus", "0"},
      {"filename", ""},         {"filesize", "0"},        {"filetype", ""},
      {"filedownloadcount", ""}};
  if (strcmp(values->module->name, "Documents") != 0)
    return 0;
  for (size_t i = 0; i < sizeof left / sizeof *left; i++)
    if (!json_object_get(element, left[i][0]) &&
        set_text(values, call->sandbox, left[i][0], left[i][1]))
      return -1;
  if (json_object_get(element, "filename"))
    return 0;
  struct sb_rows *rows = sb_store_query_number(
      call->store, "DELETE FROM attachment WHERE document = ?", number);
  return rows ? sb_rows_run(rows) : -1;
}

void sb_documents_free(struct sb_document *document) {
  if (document->owned)
    icrm_buf_free(&document->data);
}

static void add_file(struct sb_call *call, struct sb_rows *rows) {
  size_t len;
  icrm_buf_addf(call->out, "[{\"fileid\":\"%lld\"",
                (long long)sb_rows_get_integer(rows, 0));
  sb_json_add_pair(call->out, "filename", sb_rows_get_text(rows, 1, &len));
  sb_json_add_pair(call->out, "filetype", sb_rows_get_text(rows, 2, &len));
  const char *data = sb_rows_get_text(rows, 3, &len);
  icrm_buf_addf(call->out, ",\"filesize\":%zu", len);
  sb_json_add_key(call->out, "filecontents");
  sb_json_add_base64(call->out, data, len);
  icrm_buf_add_text(call->out, "}]");
}

enum sb_outcome sb_documents_retrieve_file(struct sb_call *call) {
  const char *x = strchr(sb_params_text(call->params, "id"), 'x');
  struct sb_rows *rows = sb_store_query(
      call->store, "SELECT a.id, a.name, a.type, a.data FROM attachment a JOIN "
                   "entity e ON e.id = a.document WHERE a.id = ? AND e.deleted "
                   "= 0");
  if (!rows)
    return sb_crash(call);
  sb_rows_integer(rows, x ? strtoll(x + 1, NULL, 10) : 0);
  bool found = sb_rows_next(rows) == 1;
  if (found)
    add_file(call, rows);
  sb_rows_end(rows);
  return found ? SB_DONE
               : sb_fail(call, "RECORD_NOT_FOUND",
                         "Record you are trying to access is not found");
}
