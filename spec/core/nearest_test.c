#include "core/nearest.h"

#include "check.h"

static const char *const words[] = {"import", "query", "report", "HelpDesk"};

static const char *nearest(const char *word) {
  return icrm_nearest(word, words, sizeof words / sizeof *words);
}

int main(void) {
  CHECK_TEXT(nearest("improt"), "import"); /* neighbours swapped */
  CHECK_TEXT(nearest("qury"), "query");
  CHECK_TEXT(nearest("helpdesks"), "HelpDesk");
  CHECK_TEXT(nearest("import"), "import");
  CHECK(nearest("delete") == NULL);
  CHECK(nearest("") == NULL);
  char longest[200];
  memset(longest, 'q', sizeof longest);
  longest[sizeof longest - 1] = '\0';
  CHECK(nearest(longest) == NULL);
  CHECK(icrm_nearest("x", words, 0) == NULL);
  return EXIT_SUCCESS;
}
