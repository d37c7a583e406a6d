/* front_docs.c: the description of the API, for programs and for people. */
#include "front/front.h"
#include "front/front_documents.h"

static void docs_answer(struct http_exchange *exchange, struct text type, struct text document) {
    exchange->status = 200;
    exchange->content_type_out = type;
    buffer_put_text(&exchange->out, document);
    front_finish(exchange);
}

void front_openapi(void *context, struct http_exchange *exchange) {
    (void)context;
    docs_answer(exchange, TEXT("application/yaml; charset=utf-8"), document_openapi);
}

void front_cloudmc_openapi(void *context, struct http_exchange *exchange) {
    (void)context;
    docs_answer(exchange, TEXT("application/yaml; charset=utf-8"), document_cloudmc);
}

/* The page has no scripts and asks nobody for anything; browsers are told to keep it so. */
void front_docs(void *context, struct http_exchange *exchange) {
    (void)context;
    exchange->headers_out =
        TEXT("Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n");
    docs_answer(exchange, TEXT("text/html; charset=utf-8"), document_docs);
}
