/*
 * Writing JSON strings, byte for byte as lua-cjson writes them (it escapes the
 * slash and DEL as well).
 */
#ifndef ICRM_TEXT_JSON_TEXT_H
#define ICRM_TEXT_JSON_TEXT_H

#include <stddef.h>

/* Most bytes that a string of `len` bytes can become, quotes included. */
#define ICRM_JSON_STRING_MOST(len) ((len)*6 + 2)

/* Write the bytes as a JSON string to `out`, which has the room; returns its
 * end. What is not ASCII goes through as it is. */
char *icrm_json_put_string(char *out, const char *bytes, size_t len);

#endif
