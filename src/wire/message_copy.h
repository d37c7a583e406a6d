/* message_copy.h: writes a decoded message again, whole, in either encoding.
 * Lost: what qms does not hold: parts of a microsecond, timestamps and amounts out of range, and
 *       names that an enum does not have (they become UNSPECIFIED). In binary an
 *       amount is the nearest double. */
#ifndef QMS_WIRE_MESSAGE_COPY_H
#define QMS_WIRE_MESSAGE_COPY_H

#include "base/buffer.h"
#include "wire/message.h"

void message_copy(const struct message *message, enum message_encoding encoding,
                  struct buffer *out);

#endif
