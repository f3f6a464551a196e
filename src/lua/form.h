/* The parameters and files of a call, from Lua's tables to a form. */
#ifndef ICRM_LUA_FORM_H
#define ICRM_LUA_FORM_H

#include "lua/core.h"
#include "net/body.h"

#include <stdbool.h>

struct icrml_form {
  struct icrm_buf text;
  struct icrm_body_file *files; /* in it */
  char boundary[40];            /* "" unless it is multipart */
};

/* Fill `form`, whatever was in it, from the options at index 2: `params`
 * (a table or a list of pairs), `parts` of a multipart form ({name, filename,
 * content_type, and data or path}), `files` ({name, path}: parameters whose
 * value is a file in base64). A path may come with `size` and `sha256`, which
 * the file must have. Raises for misuse, returns -1 for what the user got
 * wrong. [0, +?, e] */
int icrml_fill_form(lua_State *L, struct icrml_form *form, bool post,
                    struct icrm_error *err);

void icrml_free_form(struct icrml_form *form);

#endif
