/*
 * What a server offers: its modules, fields, relations and settings,
 * read from the JSON documents that are built into the library. Read-only once
 * loaded, so that threads may share it.
 */
#ifndef ICRM_SANDBOX_SCHEMA_H
#define ICRM_SANDBOX_SCHEMA_H

#include "core/error.h"
#include "sandbox/json.h"

enum sb_kind {
  SB_STRING, /* and everything that is kept as text: picklists, urls... */
  SB_INTEGER,
  SB_DECIMAL,
  SB_BOOLEAN,
  SB_DATE,
  SB_DATETIME,
  SB_TIME,
  SB_REFERENCE,
  SB_OWNER,
  SB_ID
};

struct sb_field {
  const char *name;
  enum sb_kind kind;
  bool mandatory;
  bool editable;
  bool unique;
  const char *shared; /* its column when it is kept in the table `entity` */
  bool hidden;        /* kept, and never shown: a user's access key */
  bool withheld;      /* from who is no administrator: see hidden-fields */
  bool custom;        /* kept in the table of custom fields */
  bool in_user_form;  /* read with the caller's separators, zone, date order */
  bool starred;       /* a star belongs to one user: empty for the others */
  size_t length;      /* characters, 0 for no limit */
  int decimals;       /* of a decimal */
  bool rounded;       /* a decimal that has no scale of its own */
  bool amount;        /* of money */
  const char *absent; /* stored when a create does not name the field */
  const json_t *refers_to; /* names of modules */
};

struct sb_module {
  const char *name;
  const char *prefix; /* of its ids: "9" */
  const char *label, *singular;
  bool is_entity; /* as listtypes says */
  bool shared;    /* its records have a row in the table `entity` */
  bool has_records;
  bool visible, creatable, deletable, private; /* to users without admin */
  struct sb_field *fields;                     /* in the order of a record */
  size_t n_fields;
  struct icrm_buf columns;   /* SQL of the fields, in that order */
  int id_copy;               /* field that repeats the id's number, or -1 */
  json_t *document;          /* describe and all that was read, or NULL */
  const json_t *describe;    /* NULL for a module that only listtypes names */
  const json_t *relations;   /* NULL for none */
  const json_t *field_types; /* NULL: as the fields say */
  const char *counter_field; /* "ticket_no", NULL for none */
  const char *counter_prefix;
  int counter_width; /* digits, zero-padded; 0 for as many as needed */
  int64_t counter_first;
};

struct sb_schema {
  const char *folder;        /* that it was loaded from */
  json_t *settings;          /* modules.json */
  struct sb_module *modules; /* in the order of listtypes */
  size_t n_modules;
  const char *session_prefix;
};

/* Load a folder of schemas. `extra` is a list of fields to add,
 * "Module.field:type", or NULL. Returns NULL with `err` (kind `config`) when an
 * extra field cannot be. */
struct sb_schema *sb_schema_load(const char *folder, const char *const *extra,
                                 struct icrm_error *err);
void sb_schema_free(struct sb_schema *schema);

/* Where describe tells how large a file may be, let it be so many bytes. */
void sb_schema_set_file_size(struct sb_schema *schema, int64_t bytes);

/* A document of a folder ("demo.json"), which the caller releases, or NULL
 * when there is none. */
json_t *sb_schema_document(const char *folder, const char *name);

/* By exact name, or by id prefix; NULL when there is none. `name` need not be
 * NUL-terminated. */
const struct sb_module *sb_schema_module(const struct sb_schema *schema,
                                         const char *name, size_t len);
const struct sb_module *sb_schema_prefix(const struct sb_schema *schema,
                                         const char *prefix, size_t len);

/* Index of a field, -1 when the module has none of that name. */
int sb_module_field(const struct sb_module *module, const char *name,
                    size_t len);

/* What describe calls a field, its name when it has no label. */
const char *sb_module_field_label(const struct sb_module *module,
                                  const char *name);

/* Append the SQL name of a field: the module's table is `m`, the one that all
 * modules share is `e`. */
void sb_field_column(const struct sb_field *field, struct icrm_buf *sql);

/* True when the module's records may be referred to by the field. */
bool sb_field_refers_to(const struct sb_field *field, const char *module);

#endif
