/*
 * A growable byte buffer. Writing never fails at the call: when memory or the
 * limit runs out the buffer is marked `failed`, keeps what it has, and later
 * writes do nothing, so that a caller checks once, at the end.
 */
#ifndef ICRM_CORE_BUF_H
#define ICRM_CORE_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct icrm_buf {
  char *data;   /* NULL while empty; otherwise data[len] is always NUL */
  size_t len;   /* bytes in use */
  size_t cap;   /* bytes allocated */
  size_t limit; /* most bytes allowed, 0 for none */
  bool failed;  /* memory or limit ran out */
};

/* Append `len` bytes. */
void icrm_buf_add(struct icrm_buf *buf, const void *bytes, size_t len);

/* Append a NUL-terminated string. */
void icrm_buf_add_text(struct icrm_buf *buf, const char *text);

/* Append one byte. */
void icrm_buf_add_byte(struct icrm_buf *buf, char byte);

/* Append printf-style text. */
void icrm_buf_addf(struct icrm_buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Append at most `max` of `len` bytes in a form fit for one line of a message:
 * control characters, backslashes and bytes that are not UTF-8 as \xNN. */
void icrm_buf_add_escaped(struct icrm_buf *buf, const char *bytes, size_t len,
                          size_t max);

/* Room for `len` more bytes behind the content, NULL (and failed) when there is
 * none. The caller writes there and then says how much it wrote. */
char *icrm_buf_room(struct icrm_buf *buf, size_t len);
void icrm_buf_wrote(struct icrm_buf *buf, size_t len);

/* Forget the content, keep the memory. */
void icrm_buf_clear(struct icrm_buf *buf);

/* Free the memory; the buffer is empty and usable again, its limit kept. */
void icrm_buf_free(struct icrm_buf *buf);

/* Overwrite the memory with zeros that the compiler may not leave out, then
 * free. */
void icrm_buf_wipe(struct icrm_buf *buf);

/* Length of the valid UTF-8 sequence at `text`, 0 when there is none.
 * Overlong forms, surrogates and code points above 10FFFF are invalid. */
size_t icrm_utf8_sequence(const char *text, size_t len);

#endif
