/* The encoding of a file that does not say it. */
#include "check.h"
#include "text/charset.h"

#include <unistd.h>

static char path[] = "/tmp/icrm_guess_XXXXXX";
static struct icrm_guess guess;
static struct icrm_error error;

/* Guess of a file that has `text`, which is UTF-8, in the encoding `name`; ""
 * when it is refused. */
static const char *guess_of(const char *name, const char *text) {
  struct icrm_encoding to;
  const struct icrm_encoding utf8 = ICRM_ENCODING_UTF_8;
  struct icrm_buf bytes = {0};
  struct icrm_charset *charset;
  CHECK(icrm_encoding_find(name, &to, NULL) == 0);
  CHECK(icrm_encoding_convert(text, strlen(text), &utf8, &to, &bytes, NULL) ==
        0);
  FILE *file = fopen(path, "wb");
  CHECK(file && fwrite(bytes.data, 1, bytes.len, file) == bytes.len &&
        fclose(file) == 0);
  icrm_buf_free(&bytes);
  const struct icrm_encoding any = ICRM_ENCODING_AUTO;
  if (icrm_charset_open(&charset, path, &any, &error) < 0)
    return "";
  guess = *icrm_charset_guess(charset);
  icrm_charset_close(charset);
  return guess.encoding.name;
}

static void guesses(const char *name, const char *text) {
  CHECK_TEXT(guess_of(name, text), name);
}

static const char office[] =
    "Société;Ville\nCafé Noël;Orléans\n"
    "Hôtel de l’Étoile;Nîmes\nÇa « va » à 5 €;Bègles\n";

static void texts_of_an_office(void) {
  static const char *const names[] = {"utf-8", "windows-1252", "macintosh",
                                      "utf-16le", "utf-16be"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    guesses(names[i], office);
  guesses("cp850", "Société;Ville\nCafé Noël;Orléans\nÉtoile à N°5;Nîmes\n");
  guesses("iso-8859-15", "Prix;Nom\n5 €;Sacré-Cœur\n");
  guesses("iso-8859-15", "Prix\n12 €\n");
}

static void single_words(void) {
  guesses("macintosh", "nom;ville\nCafé Noël;Orléans\n");
  guesses("macintosh", "nom\nThérèse\n");
  guesses("cp850", "nom\nThérèse\n");
  guesses("windows-1252", "nom\nThérèse\n");
  guesses("macintosh", "nom\rAller à pied\r");
  guesses("windows-1252", "nom\rThérèse\r");
}

static void words_of_neighbours(void) {
  guesses("windows-1252", "GARCÍA y Muñoz, Málaga\nMüller & Söhne, Straße 5\n"
                          "São João; Åse Bjørn Østergård; Perù\n");
  guesses("windows-1252", "SOCIÉTÉ\u00A0ANONYME\nQUALITÉ » ; L’ÉTÉ\u00A0!\n");
  guesses("windows-1252", "prix 12\u00A0€ – 5½ m² ; 20°C ; n°4 ; “ok”… ©\n");
}

static void doubts(void) {
  guess_of("windows-1252", office);
  CHECK_TEXT(guess.rival.name, "");
  guess_of("macintosh", "nom\nCafé Noël\n");
  CHECK_TEXT(guess.rival.name, "windows-1252");
  CHECK_TEXT(guess.word, "Café");
  CHECK_TEXT(guess.rival_word, "CafŽ");
  /* One cell was read wrongly by an earlier tool; all others are right. */
  guess_of("windows-1252",
           "Thérèse;Hélène;Zoé;André;Éric;Aimée;René;Noémie;Cédric\nCafÃ©\n");
  CHECK_TEXT(guess.encoding.name, "windows-1252");
  CHECK_TEXT(guess.rival.name, "utf-8");
  CHECK_TEXT(guess.word, "CafÃ©");
  CHECK_TEXT(guess.rival_word, "Café");
}

static void other_alphabets_are_refused(void) {
  CHECK_TEXT(guess_of("windows-1251", "имя;город\nИван;Санкт-Петербург\n"), "");
  CHECK(strstr(error.message, "name its encoding"));
  CHECK_TEXT(guess_of("iso-8859-7", "όνομα;πόλη\nΓιώργος;Αθήνα\n"), "");
}

/* `text` is UTF-8 in which each ~ stands for a byte that is none. */
static void is_broken(const char *text, size_t len, unsigned long places) {
  const struct icrm_encoding any = ICRM_ENCODING_AUTO;
  struct icrm_charset *charset;
  struct icrm_buf bytes = {0};
  for (size_t i = 0; i < len; i++)
    icrm_buf_add_byte(&bytes, text[i] == '~' ? '\xE9' : text[i]);
  FILE *file = fopen(path, "wb");
  CHECK(file && fwrite(bytes.data, 1, bytes.len, file) == bytes.len &&
        fclose(file) == 0);
  icrm_buf_free(&bytes);
  CHECK(icrm_charset_open(&charset, path, &any, &error) == 0);
  CHECK_TEXT(icrm_charset_guess(charset)->encoding.name, "utf-8");
  CHECK(icrm_charset_guess(charset)->broken == places);
  icrm_charset_close(charset);
}

static void broken_utf8(void) {
#define IS_BROKEN(text, places) is_broken(text, sizeof text - 1, places)
  IS_BROKEN("Café;Orléans\nNoël;N~mes\n", 1);
  IS_BROKEN("Café\nN~mes\n", 1);
  IS_BROKEN("l’eau\nl~t~\n", 2);
  IS_BROKEN("12 €\nN~mes\n", 1);
}

/* What is looked at in blocks is looked at once, wherever their borders are. */
static void borders_of_blocks(void) {
  struct icrm_buf text = {0};
  for (int i = 0; i < 40; i++)
    icrm_buf_add_byte(&text, 'x');
  while (text.len < 200000)
    icrm_buf_add_text(&text, "é€");
  icrm_buf_add_text(&text, "~ ~\n");
  for (size_t from = 0; from < 8; from++)
    is_broken(text.data + from, text.len - from, 2);
  icrm_buf_free(&text);
}

int main(void) {
  int fd = mkstemp(path);
  CHECK(fd >= 0 && close(fd) == 0);
  texts_of_an_office();
  single_words();
  words_of_neighbours();
  doubts();
  other_alphabets_are_refused();
  broken_utf8();
  borders_of_blocks();
  unlink(path);
  return 0;
}
