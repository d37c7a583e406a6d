/* sanitized.h: whether a test is built with a sanitizer, which makes it several times as slow. */
#ifndef QMS_TESTS_SANITIZED_H
#define QMS_TESTS_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#endif
