// Templates that were written to crash the program, to fill the memory or to run for ever. Each ends with an
// Error of one line, and the next prompt is rendered.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "idleheads/base/error.h"
#include "idleheads/model/chat_template.h"
#include "support/errors.h"

namespace idleheads {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

using Named = std::pair<std::string, std::string>;

std::string repeated(const std::string& text, int count) {
  std::string out;
  for (int index = 0; index < count; ++index) out += text;
  return out;
}

std::string error_of(const ChatTemplate& chat) {
  return test::error_of([&] { chat.render({{"user", "Hi"}}); });
}

void check_all(const std::vector<Named>& templates) {
  for (const auto& [name, source] : templates) {
    SCOPED_TRACE(name);
    const std::string error = error_of(ChatTemplate(source));
    EXPECT_THAT(error, StartsWith("chat template: "));
    EXPECT_EQ(error.find('\n'), std::string::npos);
    EXPECT_LT(error.size(), 500u);
  }
  EXPECT_EQ(ChatTemplate("{{ messages[0].content }}").render({{"user", "Hi"}}), "Hi");
}

TEST(HostileTemplate, ValuesThatHoldThemselves) {
  const std::string self = "{% set n = namespace() %}{% set n.x = [n, {'n': n}] %}";
  const std::string nested =
      "{% set n = namespace(x=[]) %}{% for i in range(19000) %}{% set n.x = [n.x] %}{% endfor %}";
  const std::string dicts =
      "{% set n = namespace(x={}) %}{% for i in range(19000) %}{% set n.x = {'a': n.x} %}{% endfor %}";
  std::vector<Named> templates;
  for (const char* use :
       {"{{ n.x }}", "{{ n.x | tojson }}", "{{ n.x | string }}", "{{ n.x ~ 'a' }}", "{{ [n.x] | join }}",
        "{{ '%s' % [n.x] }}", "{{ '{}'.format(n.x) }}", "{{ [n.x] | map('string') | list }}"}) {
    templates.emplace_back(std::string("self ") + use, self + use);
    templates.emplace_back(std::string("list ") + use, nested + use);
    templates.emplace_back(std::string("dict ") + use, dicts + use);
  }
  const std::string twice =
      nested + "{% set m = namespace(x=[]) %}{% for i in range(19000) %}{% set m.x = [m.x] %}{% endfor %}";
  for (const char* use :
       {"{{ n.x == m.x }}", "{{ n.x < m.x }}", "{{ n.x in [m.x] }}", "{{ [n.x, m.x] | unique | list }}",
        "{{ [n.x, m.x] | sort }}", "{{ [n.x].index(m.x) }}", "{{ [n.x, m.x] | max }}"})
    templates.emplace_back(use, twice + use);
  check_all(templates);
}

TEST(HostileTemplate, ValuesThatShareTheirParts) {
  const std::string shared =
      "{% set n = namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = [n.x, n.x] %}{% endfor %}";
  const std::string other =
      "{% set m = namespace(x=[1]) %}{% for i in range(60) %}{% set m.x = [m.x, m.x] %}{% endfor %}";
  check_all({{"print", shared + "{{ n.x }}"},
             {"tojson", shared + "{{ n.x | tojson }}"},
             {"equal", shared + other + "{{ n.x == m.x }}"},
             {"less", shared + other + "{{ n.x < m.x }}"},
             {"sort", shared + other + "{{ [n.x, m.x] | sort | length }}"}});
}

TEST(HostileTemplate, LongChains) {
  constexpr int kLinks = 12'000;
  std::vector<Named> templates;
  for (const char* link : {"+1", "~1", "-1", "*1", " and 1", " or 0", "|string", ".a", "[0]", "()",
                           " if 1 else 1", "//1", "[:]", " is string", ".strip()", "**1", "%7"})
    templates.emplace_back(
        link, "{{ 1" +
                  repeated(link, std::min<int>(kLinks, 60'000 / static_cast<int>(std::string(link).size()))) +
                  " }}");
  for (const char* link : {"not ", "-", "(", "[", "{1:", "x(", "- -"})
    templates.emplace_back(link, "{{ " + repeated(link, 60'000 / static_cast<int>(std::string(link).size())));
  templates.emplace_back("nots", "{{ " + repeated("not ", 12'000) + "1 }}");
  templates.emplace_back("if", repeated("{% if 1 %}", 3000) + repeated("{% endif %}", 2000));
  templates.emplace_back("for", repeated("{% for i in [1] %}", 1000) + repeated("{% endfor %}", 1000));
  templates.emplace_back("elif", "{% if 0 %}" + repeated("{% elif 0 %}", 4000) + "{% endif %}");
  templates.emplace_back("macro", repeated("{% macro f() %}", 1000) + repeated("{% endmacro %}", 1000));
  templates.emplace_back("generation",
                         repeated("{% generation %}", 1000) + repeated("{% endgeneration %}", 1000));
  check_all(templates);
}

TEST(HostileTemplate, WidthsAndCounts) {
  check_all({{"format", "{{ '{:>2000000000}'.format('x') }}"},
             {"format field", "{{ '{:>{}}'.format('x', 2000000000) }}"},
             {"precision", "{{ '{:.2000000000f}'.format(1.5) }}"},
             {"percent", "{{ '%2000000000d' % 1 }}"},
             {"star", "{{ '%*d' % (2000000000, 1) }}"},
             {"percent precision", "{{ '%.999999999f' % 1.0 }}"},
             {"format filter", "{{ '%2000000000s' | format('x') }}"},
             {"ljust", "{{ 'x'.ljust(2000000000) }}"},
             {"zfill", "{{ 'x'.zfill(2000000000) }}"},
             {"center", "{{ 'x'.center(2000000000) }}"},
             {"center filter", "{{ 'x' | center(2000000000) }}"},
             {"indent", "{{ 'a\n' | indent(2000000000) }}"},
             {"indent text", "{{ ('a\n' * 1000000) | indent('x' * 100000) }}"},
             {"tojson", "{{ [1] | tojson(indent=2000000000) }}"},
             {"tojson text", "{{ [[[[1]]]] | tojson(indent='x' * 100000000) }}"},
             {"tabs", "{{ '\t\t'.expandtabs(2000000000) }}"},
             {"times", "{{ 'x' * 20000000000 }}"},
             {"list times", "{{ ([1] * 20000000000) | length }}"},
             {"list times twice", "{{ ([[1] * 1000000] * 1000000) | length }}"},
             {"range", "{{ range(99999999999) | list }}"},
             {"slice", "{{ [1] | slice(2000000000) | list }}"},
             {"batch", "{{ [1] | batch(2000000000, 'x') | list }}"},
             {"power", "{{ 9 ** 9 ** 9 }}"},
             {"truncate", "{{ ('x' * 100000) | truncate(-1) }}"},
             {"replace", "{{ ('x' * 100000).replace('', 'y' * 100000) }}"},
             {"join", "{{ ('x' * 100000).join(range(99999) | map('string')) }}"},
             {"round", "{{ 1.5 | round(2000000000) }}"}});
}

TEST(HostileTemplate, GrowthAndEndlessWork) {
  const auto doubled = [](const std::string& start, const std::string& step) {
    return "{% set n = namespace(x=" + start + ") %}{% for i in range(99) %}{% set n.x = " + step +
           " %}{% endfor %}{{ n.x }}";
  };
  const std::string loop = "{% for i in range(99999) %}";
  check_all(
      {{"list", doubled("[1]", "n.x + n.x")},
       {"tuple", doubled("(1,)", "n.x + n.x")},
       {"text", doubled("'ab'", "n.x ~ n.x")},
       {"plus", doubled("'ab'", "n.x + n.x")},
       {"percent", doubled("'ab'", "'%s%s' % (n.x, n.x)")},
       {"format", doubled("'ab'", "'{0}{0}'.format(n.x)")},
       {"join", doubled("'ab'", "[n.x, n.x] | join")},
       {"replace", doubled("'ab'", "n.x.replace('a', 'aa').replace('b', 'bb')")},
       {"escape", doubled("'<'", "n.x | forceescape | string | replace('a', '<&')")},
       {"tojson", doubled("'\"'", "n.x | tojson")},
       {"repr", doubled("\"\\\\\"", "[n.x] | string")},
       {"loops", loop + loop + loop + "{% endfor %}{% endfor %}{% endfor %}"},
       {"macro", "{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}"},
       {"caller", "{% macro f() %}{% call f() %}{{ caller() }}{% endcall %}{% endmacro %}{{ f() }}"},
       {"generation", "{% macro f() %}{% generation %}{{ f() }}{% endgeneration %}{% endmacro %}{{ f() }}"},
       {"loop", "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}"},
       {"unique", "{{ range(99999) | unique | list | length }}"},
       {"sums", loop + "{{ range(99999) | sum }}{% endfor %}"},
       {"in", loop + "{% if i in range(99999) %}{% endif %}{% endfor %}"},
       {"index", "{% set l = range(99999) | list %}" + loop + "{{ l.index(i) }}{% endfor %}"},
       {"output", loop + "{{ 'x' * 1000 }}{% endfor %}"},
       {"find", "{% set s = 'a' * 9999999 %}" + loop + "{{ s.count('b') }}{% endfor %}"},
       {"source", std::string(70'000, 'x')}});
}

TEST(HostileTemplate, ATemplatesEndNamesItsLimit) {
  EXPECT_THAT(error_of(ChatTemplate(std::string(70'000, 'x'))), HasSubstr("70000 bytes"));
  EXPECT_THAT(error_of(ChatTemplate("{{ 'x' * 17000000 }}")), HasSubstr("the most is 16777216"));
  EXPECT_THAT(
      error_of(ChatTemplate("{% for i in range(99999) %}{% for j in range(999) %}{% endfor %}{% endfor %}")),
      HasSubstr("fuel"));
}

}  // namespace
}  // namespace idleheads
