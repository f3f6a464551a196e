/* Names and values of queries as persons write them. */
#include "check.h"
#include "vtql/vtql.h"

/* All mentions as `kind[name op]`, one after another. */
static void check_outline(const char *text, const char *want) {
  static const char kinds[] = "cmwvo";
  struct icrm_vtql_outline outline = {.text = text, .len = strlen(text)};
  struct icrm_vtql_mention mention;
  struct icrm_buf out = {0};
  while (icrm_vtql_outline_next(&outline, &mention)) {
    CHECK(mention.span.data >= text &&
          mention.span.data + mention.span.len <= text + strlen(text));
    icrm_buf_add_byte(&out, kinds[mention.kind]);
    icrm_buf_add_byte(&out, '[');
    icrm_buf_add(&out, mention.name.data, mention.name.len);
    if (mention.op.len > 0) {
      icrm_buf_add_byte(&out, ' ');
      icrm_buf_add(&out, mention.op.data, mention.op.len);
    }
    icrm_buf_add_byte(&out, ']');
  }
  icrm_buf_add_byte(&out, '\0');
  CHECK_TEXT(out.data, want);
  icrm_buf_free(&out);
}

static void names(void) {
  check_outline("SELECT * FROM HelpDesk", "c[*]m[HelpDesk]");
  check_outline("select Titre, Assigné à from HelpDesk;",
                "c[Titre]c[Assigné à]m[HelpDesk]");
  check_outline("SELECT count(*) FROM Accounts WHERE Statut = 'Ouvert'",
                "c[count(*)]m[Accounts]w[Statut =]v['Ouvert']");
  check_outline("SELECT \"Nom, prénom\" FROM `Mes contacts` ORDER BY "
                "Date de création, id DESC LIMIT 5",
                "c[Nom, prénom]m[Mes contacts]o[Date de création]o[id]");
  check_outline("SELECT fromage FROM A", "c[fromage]m[A]");
}

static void conditions(void) {
  check_outline("SELECT * FROM A WHERE Date d'échéance >= '2026-01-01' AND "
                "Assigné à = 'Jean' OR b<>'c''d' ORDER BY a;",
                "c[*]m[A]w[Date d'échéance >=]v['2026-01-01']w[Assigné à =]"
                "v['Jean']w[b <]v[>'c''d']o[a]");
  check_outline("SELECT * FROM A WHERE Opt in = '1' and Like it != 'x'",
                "c[*]m[A]w[Opt in =]v['1']w[Like it !=]v['x']");
  check_outline("SELECT * FROM A WHERE Statut IN ('a', 'b)', ?) AND x LIKE "
                "'%AND%' LIMIT 3",
                "c[*]m[A]w[Statut IN]v['a']v['b)']v[?]w[x LIKE]v['%AND%']");
  check_outline("SELECT * FROM A WHERE a IN 'x' AND b in ?",
                "c[*]m[A]w[a IN]v['x']w[b in]v[?]");
  check_outline("SELECT * FROM A WHERE \"a = b\"=:name",
                "c[*]m[A]w[a = b =]v[:name]");
  check_outline("SELECT * FROM A WHERE shipping_&_handling > '5'",
                "c[*]m[A]w[shipping_&_handling >]v['5']");
}

/* What is no query is left to the parser. */
static void nonsense(void) {
  check_outline("", "");
  check_outline("DELETE FROM A", "");
  check_outline("SELECT a", "");
  check_outline("SELECT * FROM", "c[*]");
  check_outline("SELECT * FROM A WHERE", "c[*]m[A]");
  check_outline("SELECT * FROM A WHERE employees between '15' and '16'",
                "c[*]m[A]");
  check_outline("SELECT * FROM A WHERE a =", "c[*]m[A]w[a =]");
  check_outline("SELECT * FROM A WHERE a = 'open", "c[*]m[A]w[a =]");
  check_outline("SELECT * FROM A WHERE a IN ('b' 'c'", "c[*]m[A]w[a IN]v['b']");
  check_outline("SELECT \"a FROM B", "c[\"a]m[B]");
}

int main(void) {
  names();
  conditions();
  nonsense();
  return 0;
}
