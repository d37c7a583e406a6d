/* front_documents.h: documents that travel inside the program: docs/api, embedded when built. */
#ifndef QMS_FRONT_FRONT_DOCUMENTS_H
#define QMS_FRONT_FRONT_DOCUMENTS_H

#include "base/text.h"

extern const struct text document_openapi; /* /openapi.yaml */
extern const struct text document_cloudmc; /* /cloudmc.yaml */
extern const struct text document_docs;    /* /docs, a page that needs no network */

#endif
