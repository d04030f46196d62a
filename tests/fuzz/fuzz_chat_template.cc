// Templates built from bytes by a small grammar, since random text is hardly ever a template: each byte
// chooses the next construct, a name, an operator, a filter or a literal. A template renders or is refused
// with a short Error, nothing else.
//
// It is rendered in this process and not in the child that ChatTemplate has: a crash of the child would be an
// Error, but here it must be seen. The grammar nests at most 12 deep, as the text library bounds steps and
// values but not the parser's stack.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "idleheads/base/error.h"
#include "idleheads/model/chat_template.h"

namespace {

class Grammar {
 public:
  Grammar(const uint8_t* data, size_t size) : data_(data), size_(size) {}

  std::string body(int depth) {
    std::string out;
    for (int count = next(4) + 1; count > 0 && out.size() < kLongest; --count)
      out += depth > kDeepest ? "x" : statement(depth + 1);
    return out;
  }

 private:
  static constexpr int kDeepest = 12;
  static constexpr size_t kLongest = 32 << 10;

  int next(int choices) {
    if (place_ == size_) return 0;
    return data_[place_++] % choices;
  }

  template <size_t N>
  const char* one_of(const std::array<const char*, N>& names) {
    return names[static_cast<size_t>(next(static_cast<int>(N)))];
  }

  const char* name() {
    return one_of(
        std::array{"x", "ns", "m", "messages", "bos_token", "loop", "range", "nothing", "tools", "f"});
  }

  std::string tag(const std::string& inside) {
    const char* open = one_of(std::array{"{%", "{%-", "{%+", "{%"});
    const char* close = one_of(std::array{"%}", "-%}", "+%}", "%}\r\n"});
    return std::string(open) + " " + inside + " " + close;
  }

  std::string statement(int depth) {
    switch (next(17)) {
      case 0:
        return one_of(std::array{"text\n", "  ", "\r\n", "\r", "{# c #}\n", "{", "\xc3\xa9"});
      case 1:
        return "{{ " + expression(depth) + one_of(std::array{" }}", " -}}", "}}\n"});
      case 2:
        return tag("if " + expression(depth)) + body(depth) + tag("else") + body(depth) + tag("endif");
      case 3:
        return tag("for m in " + expression(depth)) + body(depth) + tag("endfor");
      case 4:
        return tag("for a, b in " + expression(depth) + " if a") + body(depth) + tag("endfor");
      case 5:
        return tag("set x = " + expression(depth));
      case 6:
        return tag("set ns = namespace(x=" + expression(depth) + ")");
      case 7:
        return tag("set ns.x = " + expression(depth));
      case 8:
        return tag("set x") + body(depth) + tag("endset");
      case 9:
        return tag("macro f(x, y=1)") + body(depth) + tag("endmacro");
      case 10:
        return tag("call f(" + expression(depth) + ")") + body(depth) + tag("endcall");
      case 11:
        return tag("generation") + body(depth) + tag("endgeneration");
      case 12:
        return tag("filter " + filter(depth)) + body(depth) + tag("endfilter");
      case 13:
        return tag("with x = " + expression(depth)) + body(depth) + tag("endwith");
      case 14:
        return tag("raw") + "{{ x }}" + tag("endraw");
      case 15:
        return tag(one_of(std::array{"break", "continue", "do x", "include 'x'", "endif"}));
      default:
        return tag("for m in messages recursive") + "{{ loop([m]) }}" + tag("endfor");
    }
  }

  std::string literal() {
    return one_of(std::array{"1", "0", "-7", "2.5", "1e16", "'a'", "'a,b c\\n'", "\"\\x41\\101\"", "'{:>5}'",
                             "'%5.2f'", "true", "none", "[]", "[1, 'a', none]", "{'a': 1, 'b': [2]}",
                             "(1, 2)", "()", "'\\ud800'", "123456789012345678901"});
  }

  std::string filter(int depth) {
    const std::string name = one_of(std::array{
        "trim",   "length",     "upper",          "title",   "tojson",  "list",       "join",      "first",
        "last",   "reverse",    "sort",           "unique",  "sum",     "min",        "max",       "int",
        "float",  "round",      "string",         "escape",  "safe",    "indent",     "wordcount", "dictsort",
        "items",  "urlencode",  "striptags",      "abs",     "default", "capitalize", "replace",   "map",
        "select", "selectattr", "groupby",        "batch",   "slice",   "attr",       "truncate",  "center",
        "format", "xmlattr",    "filesizeformat", "nofilter"});
    if (next(2) == 0) return name;
    return name + "(" + arguments(depth) + ")";
  }

  std::string arguments(int depth) {
    switch (next(5)) {
      case 0:
        return "";
      case 1:
        return expression(depth);
      case 2:
        return expression(depth) + ", " + expression(depth);
      case 3:
        return std::string(one_of(std::array{"attribute", "indent", "width", "d", "default"})) + "=" +
               expression(depth);
      default:
        return "*" + expression(depth) + ", **" + expression(depth);
    }
  }

  std::string method() {
    return one_of(std::array{"strip",  "split",      "rsplit",  "replace",    "startswith", "format",
                             "join",   "title",      "items",   "keys",       "get",        "index",
                             "count",  "splitlines", "zfill",   "center",     "find",       "upper",
                             "append", "partition",  "isdigit", "expandtabs", "nothing",    "removeprefix",
                             "cycle",  "changed"});
  }

  std::string expression(int depth) {
    if (++depth > kDeepest) return literal();
    switch (next(14)) {
      case 0:
        return literal();
      case 1:
        return name();
      case 2:
        return "(" + expression(depth) + " " +
               one_of(std::array{"+", "-", "*", "/", "//", "%", "**", "~", "==", "<", ">=", "in", "not in",
                                 "and", "or"}) +
               " " + expression(depth) + ")";
      case 3:
        return expression(depth) + "|" + filter(depth);
      case 4:
        return expression(depth) + "." + method() + "(" + arguments(depth) + ")";
      case 5:
        return expression(depth) + "[" + expression(depth) + "]";
      case 6:
        return expression(depth) + "[" + literal() + ":" + literal() + ":" + literal() + "]";
      case 7:
        return expression(depth) + one_of(std::array{".role", ".x", ".content", ".index", ".0", ".items"});
      case 8:
        return "(" + expression(depth) + " if " + expression(depth) + " else " + expression(depth) + ")";
      case 9:
        return "[" + expression(depth) + ", " + expression(depth) + "]";
      case 10:
        return "{" + expression(depth) + ": " + expression(depth) + "}";
      case 11:
        return "(" + expression(depth) + " is " +
               one_of(std::array{"defined", "string", "none", "mapping", "sameas 1", "in [1]", "odd"}) + ")";
      case 12:
        return one_of(std::array{"not ", "-"}) + expression(depth);
      default:
        return std::string(one_of(
                   std::array{"range", "dict", "f", "cycler", "strftime_now", "namespace", "caller"})) +
               "(" + arguments(depth) + ")";
    }
  }

  const uint8_t* data_;
  size_t size_, place_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string source = Grammar(data, size).body(0);
  try {
    idleheads::render_chat(source, {.named = {{"bos_token", "<s>"}}, .additional = {"<a>"}}, "2024-07-26",
                           {{"system", "Be short.\n"}, {"user", " Hi "}}, true);
  } catch (const idleheads::Error& error) {
    if (std::strlen(error.what()) > 500 || std::strchr(error.what(), '\n') != nullptr) std::abort();
    // A panic of the text library is a fault of it, though it is no crash.
    if (std::strstr(error.what(), "internal error") != nullptr) std::abort();
  }
  return 0;
}
