/* action.h: the one engine behind the operator's commands: a row says what is asked of the server
 * and what is shown, action_run() does it.
 * Order:   the command line is checked; names are looked up, which gives their ids and, for a name
 *          that is not known, says which there are; the request is made; its answer is shown.
 * Writes:  carry an Idempotency-Key, so that repeating one that got no answer is safe; that is done
 *          here a few times, and left to the operator, with the key, when it did not help.
 * Templates (paths, confirmations): {0} is the first operand, {#0} the id and {=0} the name that
 *          the first lookup found, {a.b} a member of the answer. In paths they are encoded. */
#ifndef QMS_CLI_ACTION_H
#define QMS_CLI_ACTION_H

#include "cli/client.h"
#include "cli/command.h"
#include "cli/listing.h"
#include "domain/amount.h"
#include "wire/json_writer.h"

enum { ACTION_OPERANDS_MAX = 3, ACTION_LOOKUPS_MAX = 2, ACTION_ARGUMENT_BYTES_MAX = 256 };

/* Every option of these commands has its place here. */
struct action_inputs {
    struct client_settings client;
    const char *key;
    bool json, csv;
    const char *name, *unit, *description, *consumable, *amount, *rate, *from, *metadata;
    struct option_texts defaults;
    uint64_t periods;
    const char *start, *end, *search, *sort, *resource, *since;
    bool paid, force, descending;
    const char *addon_paid;
    const char *organization, *substitute, *trial;
    bool for_service, for_trial;
};

/* A name in an operand is found among rows that the server lists. */
struct action_lookup {
    const char *noun, *nouns; /* "plan", "plans" */
    const char *path;         /* a template */
    const char *rows;         /* where the answer has them */
    const char *name, *id;    /* members of a row */
    int operand;              /* which one is the name, or the id; -1: rows is one object, it */
    bool takes_id;            /* a UUID is not looked up: there may be more than are listed */
};

struct action_call {
    const struct action *action;
    struct action_inputs inputs;
    struct text operands[ACTION_OPERANDS_MAX]; /* behind them that of --substitute or --resource */
    size_t operand_count;
    struct text found[ACTION_LOOKUPS_MAX]; /* the row of each lookup */
    struct amount value;                   /* of the operand that is an amount */
    int64_t now_us, from_us, since_us;     /* from: the option or now; since: or the beginning */
    struct client *client;
    struct arena *arena;
};

struct action {
    const struct action_lookup *lookups[ACTION_LOOKUPS_MAX];
    int value_operand;  /* counted from 1: the operand that is an amount; 0: none is */
    const char *method; /* NULL: GET */
    const char *path;
    /* Appends the query to the path. */
    void (*query)(const struct action_call *call, struct buffer *path);
    /* Writes the request's body; NULL: it has none. */
    bool (*body)(const struct action_call *call, struct json_writer *writer,
                 struct qms_error *error);

    /* A listing: the lists of the answer, the columns, and what is said when there are no rows. */
    const char *rows[2];
    const struct listing_column *columns;
    const char *none;
    bool (*keeps)(const struct action_call *call, struct text row); /* NULL: every row is shown */
    const char *pages; /* the member that says how many rows there are, when they come in pages */

    /* A write: looks for a refusal inside a 200; the sentence that confirms, a template or made. */
    bool (*accepts)(const struct action_call *call, struct text answer, struct qms_error *error);
    const char *done;
    struct text (*confirmation)(const struct action_call *call, struct text answer);
};

enum { ACTION_PAGE_ROWS = 1000 };

int action_run(const struct command *command, int count, char **arguments);

/* For bodies: the row that a word of an option names, as an operand would. */
QMS_MUST_CHECK bool action_find(const struct action_call *call, const struct action_lookup *lookup,
                                struct text word, struct text *found, struct qms_error *error);
/* For bodies: "yes" or "no" of an option, else the fallback. */
QMS_MUST_CHECK bool action_flag(const char *option, const char *value, bool fallback, bool *flag,
                                struct qms_error *error);
QMS_MUST_CHECK bool action_amount(const char *what, struct text text, struct amount *amount,
                                  struct qms_error *error);
void action_write_text(struct json_writer *writer, struct text name, struct text value);

/* The rows of option tables. */
#define ACTION_PLACE(member) offsetof(struct action_inputs, member)
#define ACTION_TEXT(flag, member, value, help)                                                     \
    {flag, flag, NULL, OPTION_TEXT, ACTION_PLACE(member), NULL, value, help, 0, 0}
#define ACTION_SWITCH(flag, member, help)                                                          \
    {flag, flag, NULL, OPTION_BOOL, ACTION_PLACE(member), NULL, NULL, help, 0, 0}
#define ACTION_LISTING_ROWS                                                                        \
    COMMAND_CLIENT_ROWS(ACTION_PLACE(client)),                                                     \
        ACTION_SWITCH("json", json, "print the rows as a JSON array, as the server sent them"),    \
        ACTION_SWITCH("csv", csv, "print comma-separated values, as RFC 4180 has them")
#define ACTION_WRITE_ROWS                                                                          \
    COMMAND_CLIENT_ROWS(ACTION_PLACE(client)),                                                     \
        ACTION_SWITCH("json", json, "print the server's answer as it is"),                         \
        ACTION_TEXT("key", key, "KEY",                                                             \
                    "the Idempotency-Key: repeating with the same one does nothing twice")
#define ACTION_FROM_ROW                                                                            \
    ACTION_TEXT("from", from, "DATE", "when it takes effect, as 2026-12-31; without it now")

extern const struct option_row action_listing_options[], action_write_options[];

/* The lookups that commands share, by the operand they are for. */
#define ACTION_PLAN(at)                                                                            \
    {.noun = "plan", .nouns = "plans", .path = "/v1/plans", .rows = "result", .name = "name",      \
     .id = "id", .operand = (at)}
#define ACTION_RESOURCE(at)                                                                        \
    {.noun = "resource type", .nouns = "resource types", .path = "/v1/resource-types",             \
     .rows = "result", .name = "name", .id = "id", .operand = (at)}

#endif
