#include "front/front.h"
#include "wire/json_writer.h"

/* The process answers, whatever the store does. */
void front_healthz(void *context, struct http_exchange *exchange) {
    (void)context;
    exchange->status = 200;
    buffer_put_text(&exchange->out, TEXT("{\"status\":\"ok\"}\n"));
    front_finish(exchange);
}

/* Whether requests should be sent here now, and why not. */
void front_readyz(void *context, struct http_exchange *exchange) {
    const struct front *front = context;
    struct qms_error error;
    struct json_writer writer;
    bool ready = engine_ready(front->engine, &error) &&
                 (front->nats == NULL || front_nats_ready(front->nats, &error));
    exchange->status = ready ? 200 : 503;
    json_write_open(&writer, &exchange->out);
    json_write_object_begin(&writer);
    json_write_key(&writer, TEXT("status"));
    json_write_string(&writer, ready ? TEXT("ok") : TEXT("unavailable"));
    if (!ready) {
        json_write_key(&writer, TEXT("reason"));
        json_write_string(&writer, text_of(error.text));
    }
    json_write_object_end(&writer);
    buffer_put_char(&exchange->out, '\n');
    front_finish(exchange);
}

static ssize_t buffer_write(void *buffer, const char *data, size_t bytes) {
    buffer_put(buffer, data, bytes);
    return (ssize_t)bytes;
}

void front_metrics(void *context, struct http_exchange *exchange) {
    const struct front *front = context;
    FILE *out = fopencookie(&exchange->out, "w", (cookie_io_functions_t){.write = buffer_write});
    exchange->status = 500;
    if (front->nats != NULL) front_nats_count(front->nats);
    if (out != NULL) {
        metrics_write(front->metrics, engine_queue_depth(front->engine), out);
        exchange->status = fclose(out) == 0 ? 200 : 500;
    }
    exchange->content_type_out = TEXT("text/plain; version=0.0.4; charset=utf-8");
    front_finish(exchange);
}
