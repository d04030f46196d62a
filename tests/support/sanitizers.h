// What tests of memory and stack must know of the build: sanitizers need terabytes of addresses, and keep
// frames elsewhere than on the stack. GCC and Clang name them in different ways.
#pragma once

namespace idleheads::test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace idleheads::test
