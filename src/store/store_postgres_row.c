#include "store/store_postgres_row.h"

#include <assert.h>
#include <endian.h>
#include <stdio.h>

enum {
    EPOCH_DAYS = 10957, /* from 1970-01-01 to 2000-01-01, where the server's dates begin */
    ARRAY_HEAD_BYTES = 20,
    PARAMETER_BYTES_FIRST = 64,
};
static const int64_t EPOCH_US = EPOCH_DAYS * INT64_C(86400000000);

/* Numbers of the server's types, which never change. */
enum { OID_BOOLEAN = 16, OID_BYTES = 17, OID_INTEGER = 20, OID_TEXT = 25, OID_TIME = 1184,
       OID_UUID = 2950 };

void postgres_statement_name(enum postgres_statement id, char name[STATEMENT_NAME_MAX]) {
    snprintf(name, STATEMENT_NAME_MAX, "qms%u", (unsigned)id % 1000);
}

/* ---- parameters ---- */

static bool is_array(char letter) {
    return letter >= 'A' && letter <= 'Z';
}

static uint32_t element_type(char letter) {
    switch (letter) {
    case 'U': return OID_UUID;
    case 'I': return OID_INTEGER;
    case 'B': return OID_BOOLEAN;
    case 'Z':
    case 'E': return OID_TIME;
    case 'H': return OID_BYTES;
    default: return OID_TEXT;
    }
}

static char *parameter_room(struct parameters *parameters, struct parameter *parameter,
                            size_t bytes) {
    if (parameter->capacity - parameter->length < bytes) {
        size_t capacity = 2 * parameter->capacity + bytes + PARAMETER_BYTES_FIRST;
        char *data = arena_take(parameters->arena, capacity);
        if (parameter->length > 0) memcpy(data, parameter->data, parameter->length);
        parameter->data = data;
        parameter->capacity = capacity;
    }
    char *room = parameter->data + parameter->length;
    parameter->length += bytes;
    return room;
}

static void write_integer32(char *out, uint32_t integer) {
    uint32_t wire = htobe32(integer);
    memcpy(out, &wire, sizeof wire);
}

void parameters_open(struct parameters *parameters, struct arena *arena,
                     enum postgres_statement id) {
    const char *letters = postgres_statement(id)->parameters;
    *parameters = (struct parameters){.letters = letters, .arena = arena};
    assert(strlen(letters) <= PARAMETERS_MAX);
    while (letters[parameters->first_array] != '\0' &&
           !is_array(letters[parameters->first_array])) {
        parameters->first_array++;
    }
    for (int i = parameters->first_array; letters[i] != '\0'; i++) {
        parameter_room(parameters, &parameters->columns[i], ARRAY_HEAD_BYTES);
    }
}

size_t parameters_rows(const struct parameters *parameters) {
    if (parameters->letters[parameters->first_array] == '\0') return 1;
    return parameters->columns[parameters->first_array].elements;
}

/* Room for one value of so many bytes, in the next column; bytes < 0: null. */
static char *put(struct parameters *parameters, char letter, int64_t bytes) {
    enum { CASE_BIT = 'a' - 'A' };
    if (parameters->letters[parameters->index] == '\0') {
        assert(is_array(parameters->letters[parameters->first_array]));
        parameters->index = parameters->first_array;
    }
    char column = parameters->letters[parameters->index];
    assert(letter == 0 || (column | CASE_BIT) == letter);
    (void)letter;
    struct parameter *parameter = &parameters->columns[parameters->index++];
    if (is_array(column)) {
        write_integer32(parameter_room(parameters, parameter, sizeof(uint32_t)), (uint32_t)bytes);
        parameter->elements++;
        if (bytes < 0) parameter->has_null = true;
    } else {
        parameter->is_null = bytes < 0;
    }
    return bytes > 0 ? parameter_room(parameters, parameter, (size_t)bytes) : NULL;
}

void put_null(struct parameters *parameters) {
    put(parameters, 0, -1);
}

void put_uuid(struct parameters *parameters, const struct uuid *uuid) {
    memcpy(put(parameters, 'u', sizeof uuid->bytes), uuid->bytes, sizeof uuid->bytes);
}

static void put_bytes(struct parameters *parameters, char letter, const void *data,
                      size_t length) {
    char *room = put(parameters, letter, (int64_t)length);
    if (length > 0) memcpy(room, data, length);
}

void put_text(struct parameters *parameters, struct text text) {
    put_bytes(parameters, 't', text.data, text.length);
}

void put_sought(struct parameters *parameters, struct text text) {
    if (text.length > 0 && memchr(text.data, '\0', text.length) != NULL) put_null(parameters);
    else put_text(parameters, text);
}

static void put_integer64(struct parameters *parameters, char letter, int64_t integer) {
    uint64_t wire = htobe64((uint64_t)integer);
    memcpy(put(parameters, letter, sizeof wire), &wire, sizeof wire);
}

void put_integer(struct parameters *parameters, int64_t integer) {
    put_integer64(parameters, 'i', integer);
}

void put_boolean(struct parameters *parameters, bool boolean) {
    *put(parameters, 'b', 1) = boolean;
}

void put_time(struct parameters *parameters, int64_t at_us) {
    int64_t server_us = at_us < TIME_US_MIN    ? INT64_MIN
                        : at_us == INT64_MAX ? INT64_MAX
                                             : at_us - EPOCH_US;
    put_integer64(parameters, 'z', server_us); /* the ends of the range are the infinite dates */
}

void put_end(struct parameters *parameters, int64_t end_us) {
    if (end_us == TIME_NEVER) put_null(parameters);
    else put_integer64(parameters, 'e', end_us - EPOCH_US);
}

void put_amount(struct parameters *parameters, struct amount amount) {
    char text[AMOUNT_TEXT_MAX];
    size_t length = amount_format(amount, text);
    put_bytes(parameters, 'a', text, length);
}

void put_hash(struct parameters *parameters, const uint8_t hash[32]) {
    put_bytes(parameters, 'h', hash, 32);
}

/* The head of an array: dimensions, whether there are nulls, the type, the size, the first
 * index. */
static void write_array_head(struct parameter *parameter, char letter) {
    write_integer32(parameter->data, parameter->elements > 0);
    write_integer32(parameter->data + 4, parameter->has_null);
    write_integer32(parameter->data + 8, element_type(letter));
    write_integer32(parameter->data + 12, parameter->elements);
    write_integer32(parameter->data + 16, 1);
    if (parameter->elements == 0) parameter->length = 12; /* no dimension, no size */
}

bool parameters_send(struct parameters *parameters, PGconn *connection,
                     enum postgres_statement id) {
    const char *values[PARAMETERS_MAX];
    int lengths[PARAMETERS_MAX], formats[PARAMETERS_MAX], count = 0;
    char name[STATEMENT_NAME_MAX];
    assert(parameters->letters == postgres_statement(id)->parameters);
    for (; parameters->letters[count] != '\0'; count++) {
        struct parameter *parameter = &parameters->columns[count];
        if (is_array(parameters->letters[count])) {
            assert(parameter->elements == parameters_rows(parameters));
            write_array_head(parameter, parameters->letters[count]);
        }
        values[count] = parameter->is_null           ? NULL
                        : parameter->data == NULL ? ""
                                                  : parameter->data;
        lengths[count] = (int)parameter->length;
        formats[count] = 1;
    }
    postgres_statement_name(id, name);
    return PQsendQueryPrepared(connection, name, count, values, lengths, formats, 1) == 1;
}

/* ---- rows ---- */

void row_open_result(struct postgres_row *row, const PGresult *result,
                     enum postgres_statement id) {
    *row = (struct postgres_row){
        .result = result,
        .columns = postgres_statement(id)->columns,
        .number = -1,
    };
    assert(PQnfields(result) == (int)strlen(row->columns));
}

bool row_take(struct postgres_row *row) {
    row->index = 0;
    row->broken = false;
    return ++row->number < PQntuples(row->result);
}

/* The bytes of the next column; *length < 0: null. */
static const char *get(struct postgres_row *row, char letter, int *length) {
    assert(row->columns[row->index] == letter);
    (void)letter;
    int column = row->index++;
    *length = PQgetisnull(row->result, row->number, column)
                  ? -1
                  : PQgetlength(row->result, row->number, column);
    return PQgetvalue(row->result, row->number, column);
}

struct uuid get_uuid(struct postgres_row *row) {
    struct uuid uuid = {0};
    int length;
    const char *data = get(row, 'u', &length);
    if (length == (int)sizeof uuid.bytes) memcpy(uuid.bytes, data, sizeof uuid.bytes);
    else if (length >= 0) row->broken = true;
    return uuid;
}

static struct text checked_text(struct postgres_row *row, const char *data, int length) {
    struct text text = {.data = data, .length = length < 0 ? 0 : (size_t)length};
    if (text_is_utf8(text)) return text;
    row->broken = true; /* the database is in another encoding than it says */
    return (struct text){0};
}

struct text get_text(struct postgres_row *row) {
    int length;
    const char *data = get(row, 't', &length);
    return checked_text(row, data, length);
}

struct text get_text_or_null(struct postgres_row *row, bool *present) {
    int length;
    const char *data = get(row, 'n', &length);
    *present = length >= 0;
    return checked_text(row, data, length);
}

static bool get_integer64(struct postgres_row *row, char letter, int64_t *integer) {
    uint64_t wire = 0;
    int length;
    const char *data = get(row, letter, &length);
    if (length == (int)sizeof wire) memcpy(&wire, data, sizeof wire);
    else if (length >= 0) row->broken = true;
    *integer = (int64_t)be64toh(wire);
    return length >= 0;
}

int64_t get_integer(struct postgres_row *row) {
    int64_t integer;
    get_integer64(row, 'i', &integer);
    return integer;
}

bool get_boolean(struct postgres_row *row) {
    int length;
    const char *data = get(row, 'b', &length);
    return length == 1 && data[0] != 0;
}

/* The server's dates reach further than ours, and it knows infinite ones. */
static int64_t checked_time(struct postgres_row *row, int64_t server_us) {
    if (server_us >= TIME_US_MIN - EPOCH_US && server_us <= TIME_US_MAX - EPOCH_US) {
        return server_us + EPOCH_US;
    }
    row->broken = true;
    return 0;
}

int64_t get_time(struct postgres_row *row) {
    int64_t server_us;
    if (!get_integer64(row, 'z', &server_us)) return 0;
    return checked_time(row, server_us);
}

/* null, as in old rows of the services, or 'infinity', as people write it */
int64_t get_end(struct postgres_row *row) {
    int64_t server_us;
    if (!get_integer64(row, 'e', &server_us) || server_us == INT64_MAX) return TIME_NEVER;
    return checked_time(row, server_us);
}

struct amount get_amount(struct postgres_row *row, bool *inexact) {
    struct amount amount = amount_zero();
    int length;
    const char *data = get(row, 'a', &length);
    *inexact = false;
    if (length < 0) return amount; /* no column of the schema; the catalogue's lists have it */
    enum amount_status status =
        amount_parse_stored((struct text){.data = data, .length = (size_t)length}, &amount);
    *inexact = status == AMOUNT_INEXACT;
    if (status != AMOUNT_OK && status != AMOUNT_INEXACT) row->broken = true;
    return amount;
}

void get_hash(struct postgres_row *row, uint8_t hash[32]) {
    int length;
    const char *data = get(row, 'h', &length);
    if (length == 32) memcpy(hash, data, 32);
    else row->broken = true;
}
