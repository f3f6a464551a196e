#include "check.h"
#include "text/layout.h"

static void finds_with(char known, const char *text, char delimiter,
                       long above) {
  struct icrm_layout layout = icrm_layout_find(text, strlen(text), known);
  if (layout.delimiter != delimiter || layout.above != above)
    fprintf(stderr, "%s: separator %c, %ld lines above\n", text,
            layout.delimiter, layout.above);
  CHECK(layout.delimiter == delimiter && layout.above == above);
}

static void finds(const char *text, char delimiter, long above) {
  finds_with('\0', text, delimiter, above);
}

static void the_usual_separators(void) {
  finds("a;b\n1;2\n", ';', 0);
  finds("a,b\n1,2\n", ',', 0);
  finds("a\tb\n1\t2\n", '\t', 0);
  finds("a|b\r\n1|2\r\n", '|', 0);
  finds("a,b\r1,2\r", ',', 0);
  finds("a,b", ',', 0);
}

static void several_ragged_columns_before_one(void) {
  finds("a;b;c\nA;1;2;\nB;3;4;\nC;5;6;\n", ';', 0);
  finds("a;b;c\nA;1;2\nB;3\nC\nD;1;2\n", ';', 0);
  finds("a;b;c\nA;1;2;x\nB;3;4;y\nC;5;6\n", ';', 0);
  finds("a;b;;;\nA;1;;;\n", ';', 0);
  finds("a,b,c,\n1,2,3,\n", ',', 0);
}

static void decimal_commas_and_sentences_separate_nothing(void) {
  finds("a;b\n1,5;2,5\n1,7;3,5\n", ';', 0);
  finds("a;b;c\n1,5;2,5\n1,5;3,5\n", ';', 0);
  finds("name\nDupont, Jean\nMartin, Paul\n", ';', 0);
  finds("a\tb\nDupont, Jean\t1\nMartin, Paul\t2\n", '\t', 0);
  finds("name\nA\nB\n", ';', 0);
  finds("a;b\n\"x,y\nz,t\";2\n", ';', 0);
}

static void titles_above_the_headings(void) {
  finds("Clients\n\na;b;c\n1;2;3\n4;5;6\n", ';', 2);
  finds("Clients;;\nle 12/03/2026;;\n;;\na;b;c\n1;2;3\n", ';', 3);
  finds("Export du 3, agence Nord\na;b;c\n1,5;2,5;1\n1,6;2,7;1\n", ';', 1);
  finds("\"Clients\nde l'an\";;\na;b;c\n1;2;3\n", ';', 2);
  finds("\n\n\na;b\n1;2\n", ';', 3);
  finds_with(',', "Clients\na,b\n1,2\n", ',', 1);
}

/* Headings that are numbers, and rows that are wider below by their texts. */
static void headings_of_any_kind(void) {
  finds("Nom;2024;2025\nDupont;n.c.;n.c.\n", ';', 0);
  finds("2024;2025\n1;2\n", ';', 0);
  finds("a;;c\n1;2;3\n", ';', 0);
}

static void texts_that_are_no_table(void) {
  finds("", ';', 0);
  finds("\n \n", ';', 0);
  finds("\"open", ';', 0);
  finds("x", ';', 0);
}

int main(void) {
  the_usual_separators();
  several_ragged_columns_before_one();
  decimal_commas_and_sentences_separate_nothing();
  titles_above_the_headings();
  headings_of_any_kind();
  texts_that_are_no_table();
  return 0;
}
