/* Sheets as large as they may be: what is empty in them costs nothing. */
#include "check.h"
#include "core/buf.h"
#include "workbook/workbook.h"

#include <unistd.h>
#include <zip.h>

enum { LAST_ROW = 1048576, LAST_COLUMN = 16384 };

static char path[] = "/tmp/icrm-large-XXXXXX";
static struct icrm_error err;

static void add(zip_t *zip, const char *name, const char *bytes, size_t len) {
  zip_source_t *source = zip_source_buffer(zip, bytes, len, 0);
  CHECK(source && zip_file_add(zip, name, source, 0) >= 0);
}

#define PACKAGE "http://schemas.openxmlformats.org/package/2006/relationships"
#define OFFICE                                                                 \
  "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
#define MAIN "http://schemas.openxmlformats.org/spreadsheetml/2006/main"

static const char relations[] =
    "<Relationships xmlns='" PACKAGE "'><Relationship Id='a' Type='" OFFICE
    "/officeDocument' Target='xl/workbook.xml'/></Relationships>";
static const char sheets[] =
    "<Relationships xmlns='" PACKAGE "'><Relationship Id='b' Type='" OFFICE
    "/worksheet' Target='worksheets/sheet1.xml'/></Relationships>";
static const char book_xml[] =
    "<workbook xmlns='" MAIN "' xmlns:r='" OFFICE
    "'><sheets><sheet name='S' sheetId='1' r:id='b'/></sheets></workbook>";

/* A workbook of one sheet with these rows, selected. */
static struct icrm_workbook *make(const struct icrm_buf *rows) {
  struct icrm_buf sheet = {0};
  struct icrm_workbook *book = NULL;
  icrm_buf_add_text(&sheet, "<worksheet xmlns='" MAIN "'><sheetData>");
  icrm_buf_add(&sheet, rows->data, rows->len);
  icrm_buf_add_text(&sheet, "</sheetData></worksheet>");
  CHECK(!sheet.failed);
  zip_t *zip = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, NULL);
  CHECK(zip != NULL);
  add(zip, "_rels/.rels", relations, sizeof relations - 1);
  add(zip, "xl/_rels/workbook.xml.rels", sheets, sizeof sheets - 1);
  add(zip, "xl/workbook.xml", book_xml, sizeof book_xml - 1);
  add(zip, "xl/worksheets/sheet1.xml", sheet.data, sheet.len);
  CHECK(zip_close(zip) == 0);
  icrm_buf_free(&sheet);
  CHECK(icrm_workbook_open(&book, path, &err) == 0);
  CHECK(icrm_workbook_select(book, 0, &err) == 0);
  return book;
}

static void add_cell(struct icrm_buf *rows, const char *text) {
  icrm_buf_addf(rows, "<c t='inlineStr'><is><t>%s</t></is></c>", text);
}

static void a_million_empty_rows(void) {
  struct icrm_buf rows = {0};
  for (long row = 1; row < LAST_ROW; row++)
    icrm_buf_add_text(&rows, "<row><c/></row>");
  icrm_buf_add_text(&rows, "<row>");
  add_cell(&rows, "last");
  icrm_buf_add_text(&rows, "</row>");
  struct icrm_workbook *book = make(&rows);
  CHECK(icrm_workbook_next(book, &err) == 1);
  const struct icrm_sheet_row *row = icrm_workbook_row(book);
  CHECK(row->number == LAST_ROW && row->count == 1);
  CHECK_TEXT(icrm_sheet_row_cell(row, 0).text, "last");
  CHECK(icrm_workbook_next(book, &err) == 0);
  icrm_workbook_close(book);
  icrm_buf_add_text(&rows, "<row><c t='n'><v>1</v></c></row>");
  book = make(&rows);
  CHECK(icrm_workbook_next(book, &err) == 1);
  CHECK(icrm_workbook_next(book, &err) == -1 && err.kind == ICRM_ERROR_INPUT);
  icrm_workbook_close(book);
  icrm_buf_free(&rows);
}

static void all_columns(void) {
  struct icrm_buf rows = {0};
  icrm_buf_add_text(&rows, "<row>");
  for (int column = 0; column < LAST_COLUMN; column++)
    add_cell(&rows, "h");
  icrm_buf_add_text(&rows, "</row><row>"
                           "<c r='XFD2' t='inlineStr'><is><t>far</t></is></c>"
                           "</row>");
  struct icrm_workbook *book = make(&rows);
  for (int i = 0; i < 2; i++) {
    CHECK(icrm_workbook_next(book, &err) == 1);
    CHECK(icrm_workbook_row(book)->count == LAST_COLUMN);
  }
  struct icrm_cell cell =
      icrm_sheet_row_cell(icrm_workbook_row(book), LAST_COLUMN - 1);
  CHECK_TEXT(cell.text, "far");
  icrm_workbook_close(book);
  icrm_buf_add_text(&rows, "<row><c r='XFE3' t='n'><v>1</v></c></row>");
  book = make(&rows);
  CHECK(icrm_workbook_next(book, &err) == 1);
  CHECK(icrm_workbook_next(book, &err) == 1);
  CHECK(icrm_workbook_next(book, &err) == -1 && err.kind == ICRM_ERROR_INPUT);
  icrm_workbook_close(book);
  icrm_buf_free(&rows);
}

int main(void) {
  int fd = mkstemp(path);
  CHECK(fd >= 0 && close(fd) == 0);
  a_million_empty_rows();
  all_columns();
  unlink(path);
  return 0;
}
