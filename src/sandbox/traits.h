/*
 * The nature of a server of the family, one trait at a time: what it does
 * differently from its relatives, or badly. A profile is a folder of schemas
 * and a set of traits. What happens to a single reply is a fault instead: see
 * faults.h.
 */
#ifndef ICRM_SANDBOX_TRAITS_H
#define ICRM_SANDBOX_TRAITS_H

#include "core/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(ID, name, value when none is given or 0 where there is none, sentence) */
#define SB_TRAITS(X)                                                           \
  X(LEFT_TO_RIGHT, "left-to-right", 0,                                         \
    "AND and OR have no precedence: a query is read from left to right.")      \
  X(RELATED_LABEL_OPTIONAL, "related-label-optional", 0,                       \
    "retrieve_related needs no relatedLabel.")                                 \
  X(USER_PREFIX, "user-prefix", 0, "A user may be named as prefix/user.")      \
  X(ATTACHMENT_PARAMS, "attachment-params", 0,                                 \
    "A document takes filename_attachment, filename_attachment_name and "      \
    "related_to.")                                                             \
  X(RECORD_LABEL, "record-label", 0,                                           \
    "retrieve and the replies to writes add the record's label, "              \
    "HTML-encoded.")                                                           \
  X(MOREINFO, "moreinfo", 0,                                                   \
    "Every envelope has moreinfo: the number of rows without LIMIT, or null.") \
  X(COREBOS_WORDS, "corebos-words", 0,                                         \
    "Errors have the codes and the words of coreBOS; an unknown operation is " \
    "one of them, and said before the session is looked at.")                  \
  X(ANY_METHOD, "any-method", 0,                                               \
    "Parameters are read from the body or the URL, whatever the operation.")   \
  X(TOKEN_LIVES_ON, "token-lives-on", 0,                                       \
    "getchallenge gives the same token again while it is valid.")              \
  X(COREBOS_IDS, "corebos-ids", 0,                                             \
    "A record is named by 11x8589, by 8589 or by its cbuuid.")                 \
  X(COREBOS_RELATIONS, "corebos-relations", 0,                                 \
    "SetRelation, UnsetRelation, getRelatedRecords and "                       \
    "retrievedocattachment instead of relatedtypes, retrieve_related, "        \
    "query_related, add_related and files_retrieve.")                          \
  X(FILE_IN_ELEMENT, "file-in-element", 0,                                     \
    "A document takes its file and its relations in the element.")             \
  X(FILE_LOST, "file-lost", 0,                                                 \
    "A revise or an update of a document that leaves its file's fields out "   \
    "empties them; without filename the file is gone.")                        \
  X(RECORD_TABLES, "record-tables", 0,                                         \
    "Records have cbuuid, and a table beside each filled reference.")          \
  X(USER_FORM, "user-form", 0,                                                 \
    "Numbers, dates and times are read in the form that the caller's own "     \
    "settings say, unless the element has __cbws_skipcurdbconvall.")           \
  X(ABSENT_DATE_TODAY, "absent-date-today", 0,                                 \
    "A date that a create does not name becomes today.")                       \
  X(TRIMMED, "trimmed", 0, "Blanks around a text are cut off.")                \
  X(IN_CUT, "in-cut", 0,                                                       \
    "An IN list ends at the first ) inside a value; a . or ( left over calls " \
    "an engine that misses values with apostrophe, comma or backslash.")       \
  X(WHERE_CANCELLED, "where-cancelled", 0,                                     \
    "A value that holds \"where [\" takes all conditions off a query.")        \
  X(LONG_PAGES, "long-pages", 0,                                               \
    "A LIMIT above 100 is kept; without LIMIT it is still 100.")               \
  X(SQL_FAILS_LOUDLY, "sql-fails-loudly", 0,                                   \
    "SQL that fails answers DATABASE_QUERY_ERROR, a create for an owner who "  \
    "is nobody too, which stores the record all the same.")                    \
  X(OWN_USER_ONLY, "own-user-only", 0,                                         \
    "A query of Users by a user who is no administrator shows himself.")       \
  X(PRICE_LIST, "price-list", 0,                                               \
    "Products and Services have prices and taxes, currencyN and taxN, that "   \
    "retrieve and the replies to writes show and no query knows; currency1 "   \
    "follows unit_price.")                                                     \
  X(JSON_NUMBERS, "json-numbers", 0,                                           \
    "Prices of the price list are JSON numbers, other values texts.")          \
  X(UPDATE_ENCODES_DESCRIPTION, "update-encodes-description", 0,               \
    "An update without description stores the old one HTML-encoded, again at " \
    "each update; its reply still shows the text as it was.")                  \
  X(UPDATE_ROUNDS, "update-rounds", 0,                                         \
    "Every amount and double that is sent, a whole record's too, is rounded "  \
    "to the caller's decimals.")                                               \
  X(UPDATE_BLANKS, "update-blanks", 0,                                         \
    "update empties the fields that it is not given.")                         \
  X(REVISE_DROPS, "revise-drops", 0,                                           \
    "revise takes away what belongs to the record and is not named: prices "   \
    "and taxes of Products and Services, reminder_time of Events.")            \
  X(ACTIVITY_TYPES, "activity-types", 0,                                       \
    "A record of Calendar or Events is of Calendar when its activitytype is "  \
    "Task, else of Events, whatever was asked for; its duration is computed.") \
  X(FORECAST_WORKFLOW, "forecast-workflow", 0,                                 \
    "A workflow sets forecast_amount of Potentials to amount times "           \
    "probability when one of them is saved.")                                  \
  X(DESCRIBE_ISUNIQUE, "describe-isunique", 0,                                 \
    "describe says of each field whether it is unique.")                       \
  X(FOREIGN_CURRENCY, "foreign-currency", 2,                                   \
    "The users' currency is another than the base, of which one is worth so "  \
    "many: amounts are read in it and returned in the base currency.")         \
  X(NO_LOGOUT, "no-logout", 0,                                                 \
    "logout answers an empty 500, and the session lives on.")                  \
  X(NO_REVISE, "no-revise", 0, "revise answers an empty 500.")                 \
  X(NO_SYNC, "no-sync", 0, "sync answers an empty 500.")                       \
  X(NO_FILES_RETRIEVE, "no-files-retrieve", 0,                                 \
    "files_retrieve answers an empty 500.")                                    \
  X(DUPLICATE_WORDS, "duplicate-words", 0,                                     \
    "A duplicate is told in words, \"Duplicate(s) detected!\", not by its "    \
    "label; its code is 0 all the same.")                                      \
  X(PRIVATE_OWNERS, "private-owners", 0,                                       \
    "Who is no administrator sees the records of any module only if they are " \
    "his own or a group's.")                                                   \
  X(ROWS_HIDDEN_AFTER_LIMIT, "rows-hidden-after-limit", 0,                     \
    "Rows that the caller may not see are counted by LIMIT and count(*), and " \
    "taken away then: pages fall short.")                                      \
  X(OWNER_WORKFLOW, "owner-workflow", 0,                                       \
    "A workflow hands each new record on to the first administrator; the "     \
    "reply shows him.")                                                        \
  X(OWNER_WORKFLOW_LATE, "owner-workflow-late", 0,                             \
    "The same, but the reply still shows the owner that was sent.")            \
  X(OWNERS_CHECKED, "owners-checked", 0,                                       \
    "Who is no administrator may give records to himself, an administrator "   \
    "or a group only.")                                                        \
  X(EVERYONE_CREATES, "everyone-creates", 0,                                   \
    "Who is no administrator may create records of any module that he sees.")  \
  X(PRIVATE_EVENTS, "private-events", 0,                                       \
    "A query shows other people's events of visibility Private; to retrieve "  \
    "or change one is denied.")                                                \
  X(HIDDEN_FIELDS, "hidden-fields", 0,                                         \
    "Who is no administrator does not see hours and update_log of HelpDesk: "  \
    "create stores hours all the same, update and revise ignore it.")          \
  X(REPEATED_NUMBERS, "repeated-numbers", 20,                                  \
    "A create reads its module's counter and writes it that many "             \
    "milliseconds later: creates that overlap get one number.")                \
  X(UNIQUE_RACE, "unique-race", 20,                                            \
    "A create looks for duplicates and stores that many milliseconds later: "  \
    "creates that overlap do not see each other.")                             \
  X(LOCK_GIVES_UP, "lock-gives-up", 60000,                                     \
    "A call waits that many milliseconds for the one that runs in its "        \
    "session, and then runs beside it; logout too.")                           \
  X(IDS_AS_TEXT, "ids-as-text", 0, "ORDER BY id sorts ids as texts.")          \
  X(REVERSED_PAGE, "reversed-page", 0,                                         \
    "Each page of a query is the right one, in reversed order.")               \
  X(SAME_PAGE, "same-page", 0,                                                 \
    "A query with ORDER BY gets its first page for ever: conditions on id by " \
    "< and > and the offset of LIMIT count for nothing.")                      \
  X(IN_IGNORED, "in-ignored", 0, "Conditions by IN count for nothing.")        \
  X(LIMIT_COUNTS_LINES, "limit-counts-lines", 0,                               \
    "In inventory modules SELECT * joins one to three lines to each record; "  \
    "LIMIT counts them, and a record comes once a page.")                      \
  X(LINES_AS_ROWS, "lines-as-rows", 0,                                         \
    "The same join, but each line is a row: a record comes up to three "       \
    "times.")

enum sb_trait {
#define SB_TRAIT_ENUM(id, name, value, sentence) SB_TRAIT_##id,
  SB_TRAITS(SB_TRAIT_ENUM)
#undef SB_TRAIT_ENUM
      SB_N_TRAITS
};

/* A trait as people see it. */
struct sb_trait_text {
  const char *name;
  int64_t value; /* of one that takes a number, when none is given; else 0 */
  const char *sentence;
};

/* All traits, SB_N_TRAITS of them. */
extern const struct sb_trait_text sb_trait_texts[];

/* A set of traits. */
struct sb_traits {
  int64_t value[SB_N_TRAITS]; /* 0: it has not; else 1, or the trait's number */
};

/* What a profile is made of. */
struct sb_profile {
  const char *name;
  const char *schemas; /* the folder that tells its modules */
  const char *traits;  /* as sb_traits_read reads them */
};

/* The profile `i`, from 0; NULL when there are not so many. */
const struct sb_profile *sb_profile_at(size_t i);

/* The profile of that name. NULL with `err` (kind `config`) that names the
 * nearest. */
const struct sb_profile *sb_profile_find(const char *name,
                                         struct icrm_error *err);

/* Change a set by a text such as "no-logout, lock-gives-up=200, -user-prefix";
 * NULL changes nothing. Returns 0, or -1 with `err` (kind `config`). */
int sb_traits_read(struct sb_traits *traits, const char *text,
                   struct icrm_error *err);

#endif
