#include "cli/client.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/arena.h"
#include "wire/json_reader.h"

enum {
    UPLOAD_BUFFER_BYTES = 512 * 1024,
    URL_BYTES_MAX = 2048,
    PATH_BYTES_MAX = 4096,
    KEY_BYTES_MAX = 512,
};

struct client {
    CURLM *multi;
    struct curl_slist *headers, *get_headers;
    char *url;            /* without a slash at its end; belongs to libcurl */
    const char *cacert;
    char authorization[KEY_BYTES_MAX + 32]; /* a header; "" without a key */
    bool is_loopback;     /* never through a proxy */
    char server[300];
};

static bool refuse_url(struct qms_error *error) {
    return qms_fail(error, QMS_BAD_REQUEST, "the URL has to be http://HOST:PORT or https://HOST");
}

/* Takes the URL apart: for the messages, for the proxy, and to refuse what is none. */
static bool read_url(struct client *client, CURLU *parts, const char *url,
                     struct qms_error *error) {
    char *scheme = NULL, *host = NULL, *port = NULL;
    bool ok = curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
              curl_url_set(parts, CURLUPART_QUERY, NULL, 0) == CURLUE_OK &&
              curl_url_set(parts, CURLUPART_FRAGMENT, NULL, 0) == CURLUE_OK &&
              curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
              curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
              curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
              curl_url_get(parts, CURLUPART_URL, &client->url, 0) == CURLUE_OK &&
              (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0) &&
              strlen(client->url) <= URL_BYTES_MAX;
    if (ok) {
        client->is_loopback = strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
                              strncmp(host, "127.", 4) == 0;
        snprintf(client->server, sizeof client->server, "%.250s:%s", host, port);
        for (size_t length = strlen(client->url); client->url[length - 1] == '/'; length--)
            client->url[length - 1] = '\0';
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    return ok || refuse_url(error);
}

/* What the file holds but for white space at its end; nothing of it is ever shown. */
static bool read_key_file(const char *path, char key[KEY_BYTES_MAX], struct qms_error *error) {
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return qms_fail(error, QMS_BAD_REQUEST, "cannot read %s: %s", path, strerror(errno));
    size_t length = fread(key, 1, KEY_BYTES_MAX - 1, file);
    bool is_read = ferror(file) == 0;
    fclose(file);
    while (length > 0 && strchr(" \t\r\n", key[length - 1]) != NULL) length--;
    if (memchr(key, '\0', length) != NULL) length = 0;
    key[length] = '\0';
    return is_read || qms_fail(error, QMS_BAD_REQUEST, "cannot read %s", path);
}

static bool is_given(const char *setting) {
    return setting != NULL && *setting != '\0';
}

static bool read_key(struct client *client, const struct client_settings *settings,
                     struct qms_error *error) {
    char key[KEY_BYTES_MAX] = "";
    const char *source = "QMS_API_KEY";
    if (is_given(settings->api_key_file)) {
        source = settings->api_key_file;
        if (!read_key_file(source, key, error)) return false;
    } else if (is_given(settings->api_key)) {
        snprintf(key, sizeof key, "%s", settings->api_key);
    } else {
        return true;
    }
    size_t visible = 0;
    while (key[visible] > ' ' && key[visible] <= '~') visible++;
    if (visible == 0 || key[visible] != '\0' || visible == sizeof key - 1)
        return qms_fail(error, QMS_BAD_REQUEST, "%s holds no API key", source);
    snprintf(client->authorization, sizeof client->authorization, "Authorization: Bearer %s", key);
    return true;
}

/* The headers of a call: of one with a body, or only who asks. */
static struct curl_slist *headers_of(const struct client *client, bool has_body) {
    struct curl_slist *headers = NULL;
    if (has_body) headers = curl_slist_append(NULL, "Content-Type: application/json");
    /* Asking for leave before a body costs a round trip, and a server may keep silent. */
    if (headers != NULL) curl_slist_append(headers, "Expect:");
    if (client->authorization[0] == '\0') return headers;
    return curl_slist_append(headers, client->authorization);
}

/* Told before anything is sent: trying again would not help. */
static bool read_cacert(struct client *client, const struct client_settings *settings,
                        struct qms_error *error) {
    if (!is_given(settings->cacert)) return true;
    client->cacert = settings->cacert;
    return access(client->cacert, R_OK) == 0 ||
           qms_fail(error, QMS_BAD_REQUEST, "cannot read %s: %s", client->cacert, strerror(errno));
}

struct client *client_open(const struct client_settings *settings, struct qms_error *error) {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        qms_fail(error, QMS_INTERNAL, "the HTTP library does not start");
        return NULL;
    }
    struct client *client = memory_take_zeroed(1, sizeof *client);
    CURLU *parts = curl_url();
    bool is_url = parts != NULL && read_url(client, parts, settings->url, error) &&
                  read_key(client, settings, error) && read_cacert(client, settings, error);
    curl_url_cleanup(parts);
    client->multi = curl_multi_init();
    client->headers = headers_of(client, true);
    client->get_headers = headers_of(client, false);
    if (is_url && client->multi != NULL && client->headers != NULL) return client;
    if (is_url) qms_fail(error, QMS_INTERNAL, "out of memory");
    client_close(client);
    return NULL;
}

void client_close(struct client *client) {
    curl_multi_cleanup(client->multi);
    curl_slist_free_all(client->headers);
    curl_slist_free_all(client->get_headers);
    curl_free(client->url);
    memory_give(client);
    curl_global_cleanup();
}

const char *client_server(const struct client *client) {
    return client->server;
}

void client_call_init(struct client_call *call) {
    *call = (struct client_call){.easy = curl_easy_init()};
    buffer_init(&call->answer, CLIENT_ANSWER_BYTES_MAX);
}

void client_call_close(struct client_call *call) {
    if (call->multi != NULL) curl_multi_remove_handle(call->multi, call->easy);
    curl_easy_cleanup(call->easy);
    buffer_close(&call->answer);
}

static size_t on_bytes(char *data, size_t size, size_t count, void *context) {
    struct client_call *call = context;
    buffer_put(&call->answer, data, size * count);
    return call->answer.failed ? 0 : size * count;
}

/* What a GET and a POST have in common. */
static void prepare(struct client *client, const char *path, struct client_call *call) {
    CURL *easy = call->easy;
    buffer_reset(&call->answer);
    call->status = 0;
    call->error = (struct qms_error){.code = QMS_OK};

    struct buffer url;
    buffer_init(&url, URL_BYTES_MAX + PATH_BYTES_MAX);
    buffer_format(&url, "%s%s", client->url, path);
    buffer_put_char(&url, '\0');
    assert(!url.failed); /* callers bound what they put into a path */
    curl_easy_reset(easy);
    curl_easy_setopt(easy, CURLOPT_URL, url.data);
    buffer_close(&url);

    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "qms/" QMS_VERSION);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CLIENT_CONNECT_MS_MAX);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)CLIENT_CALL_MS_MAX);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, client->get_headers);
    if (client->cacert != NULL) curl_easy_setopt(easy, CURLOPT_CAINFO, client->cacert);
    if (client->is_loopback) curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
}

/* Why there is no answer, in words of ours where libcurl's leave one at a loss. */
static const char *reason_of(CURLcode result) {
    switch ((int)result) {
    case CURLE_PEER_FAILED_VERIFICATION:
        return "its certificate is not one to trust here; --cacert names others";
    case CURLE_SSL_CACERT_BADFILE: return "the file of --cacert cannot be used";
    case CURLE_SSL_CONNECT_ERROR: return "it does not speak TLS, which https:// asks for";
    default: return curl_easy_strerror(result);
    }
}

static void finish(struct client *client, struct client_call *call, CURLcode result) {
    long status = 0;
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    if (result == CURLE_OK) {
        call->status = (int)status;
        return;
    }
    const char *reason = reason_of(result);
    if (call->answer.failed) reason = "the answer is too long";
    qms_fail(&call->error, QMS_UNAVAILABLE, "no answer from %s: %s", client->server, reason);
}

void client_get(struct client *client, const char *path, struct client_call *call) {
    prepare(client, path, call);
    finish(client, call, curl_easy_perform(call->easy));
}

static void prepare_body(struct client_call *call) {
    curl_easy_setopt(call->easy, CURLOPT_POST, 1L);
    curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.length);
    curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, call->body.length > 0 ? call->body.data : "");
}

void client_send(struct client *client, const char *method, const char *path, const char *key,
                 struct client_call *call) {
    prepare(client, path, call);
    prepare_body(call);
    curl_easy_setopt(call->easy, CURLOPT_CUSTOMREQUEST, method);
    char header[CLIENT_KEY_BYTES_MAX + 32];
    snprintf(header, sizeof header, "Idempotency-Key: %s", key == NULL ? "" : key);
    struct curl_slist *headers = headers_of(client, true);
    if (headers != NULL && key != NULL) curl_slist_append(headers, header);
    curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, headers);
    CURLcode result = curl_easy_perform(call->easy);
    finish(client, call, result);
    bool is_sent = result != CURLE_COULDNT_CONNECT && result != CURLE_COULDNT_RESOLVE_HOST &&
                   result != CURLE_COULDNT_RESOLVE_PROXY && result != CURLE_SSL_CONNECT_ERROR &&
                   result != CURLE_SSL_CACERT_BADFILE && result != CURLE_PEER_FAILED_VERIFICATION;
    if (call->status == 0 && is_sent) call->error.code = QMS_OUTCOME_UNKNOWN;
    curl_slist_free_all(headers);
}

void client_post(struct client *client, const char *path, struct client_call *call) {
    prepare(client, path, call);
    prepare_body(call);
    curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, client->headers);
    curl_easy_setopt(call->easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BUFFER_BYTES);
    call->multi = client->multi;
    curl_multi_add_handle(call->multi, call->easy);
    int running = 0;
    curl_multi_perform(client->multi, &running);
}

static struct client_call *take_finished(struct client *client) {
    int left = 0;
    for (CURLMsg *message; (message = curl_multi_info_read(client->multi, &left)) != NULL;) {
        if (message->msg != CURLMSG_DONE) continue;
        CURLcode result = message->data.result;
        struct client_call *call = NULL;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
        curl_multi_remove_handle(call->multi, call->easy);
        call->multi = NULL;
        finish(client, call, result);
        return call;
    }
    return NULL;
}

struct client_call *client_wait(struct client *client, int ms, int descriptor) {
    struct client_call *call = take_finished(client);
    if (call != NULL) return call;
    struct curl_waitfd other = {.fd = descriptor, .events = CURL_WAIT_POLLIN};
    int running = 0;
    curl_multi_poll(client->multi, &other, descriptor >= 0, ms, NULL);
    curl_multi_perform(client->multi, &running);
    return take_finished(client);
}

void client_put_segment(struct buffer *path, struct text segment) {
    static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                     "0123456789-._~";
    for (size_t i = 0; i < segment.length; i++) {
        unsigned char byte = (unsigned char)segment.data[i];
        if (byte != 0 && strchr(unreserved, byte) != NULL)
            buffer_put_char(path, (char)byte);
        else
            buffer_format(path, "%%%02X", byte);
    }
}

enum qms_code client_code(int status) {
    for (int code = 0; code < QMS_CODE_COUNT; code++)
        if (qms_code_http((enum qms_code)code) == status) return (enum qms_code)code;
    return status >= 400 && status < 500 ? QMS_BAD_REQUEST : QMS_INTERNAL;
}

/* The reason inside an answer: "detail" of a problem document, "message", "error.message",
 * "error", or the message of the first of "errors". */
static struct text find_reason(struct json_reader *reader, bool is_inner);

static struct text find_first_reason(struct json_reader *reader) {
    struct text reason = {.length = 0};
    json_array_begin(reader);
    while (json_array_next(reader)) {
        if (reason.length == 0 && json_peek(reader) == JSON_OBJECT)
            reason = find_reason(reader, true);
        else
            json_skip(reader);
    }
    return reason;
}

static struct text find_reason(struct json_reader *reader, bool is_inner) {
    struct text reason = {.length = 0}, key;
    json_object_begin(reader);
    while (json_object_next(reader, &key)) {
        enum json_kind kind = json_peek(reader);
        bool is_reason = text_equal(key, TEXT("detail")) || text_equal(key, TEXT("message")) ||
                         (!is_inner && text_equal(key, TEXT("error")));
        if (is_reason && kind == JSON_STRING)
            json_string(reader, &reason);
        else if (!is_inner && kind == JSON_OBJECT && text_equal(key, TEXT("error")))
            reason = find_reason(reader, true);
        else if (!is_inner && kind == JSON_ARRAY && text_equal(key, TEXT("errors")))
            reason = find_first_reason(reader);
        else
            json_skip(reader);
    }
    return reason;
}

/* /v1 puts "code=404, message=" before what is meant, as its clients expect. */
static struct text plain_reason(struct text reason) {
    static const char mark[] = ", message=";
    if (reason.length < 5 || memcmp(reason.data, "code=", 5) != 0) return reason;
    const char *start = memmem(reason.data, reason.length, mark, sizeof mark - 1);
    if (start == NULL) return reason;
    start += sizeof mark - 1;
    return (struct text){start, reason.length - (size_t)(start - reason.data)};
}

bool client_explain(const struct client *client, const struct client_call *call,
                    struct qms_error *error) {
    if (call->status == 0)
        return qms_fail(error, call->error.code, "%s", call->error.text);
    if (call->status == 200) return true;
    struct arena arena;
    arena_init(&arena, 4096);
    struct json_reader reader;
    json_open(&reader, buffer_text(&call->answer), &arena);
    struct text reason = plain_reason(find_reason(&reader, false));
    const char *hint = call->status == 401 ? "; QMS_API_KEY or --api-key-file gives a key" : "";
    if (!json_finish(&reader) || reason.length == 0)
        qms_fail(error, client_code(call->status), "%s answered %d", client->server, call->status);
    else
        qms_fail(error, client_code(call->status), "%s answered %d: %.*s%s", client->server,
                 call->status, TEXT_ARGUMENTS(reason), hint);
    arena_close(&arena);
    return false;
}
