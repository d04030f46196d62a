#include "report/page/embedded.h"

extern "C" {
extern const char idleheads_paper_results_begin[], idleheads_paper_results_end[];
extern const char idleheads_report_script_begin[], idleheads_report_script_end[];
extern const char idleheads_attention_script_begin[], idleheads_attention_script_end[];
extern const char idleheads_attention_style_begin[], idleheads_attention_style_end[];
extern const char idleheads_report_style_begin[], idleheads_report_style_end[];
}

namespace idleheads {

std::string_view embedded_paper_results() {
  return {idleheads_paper_results_begin, idleheads_paper_results_end};
}

std::string_view embedded_attention_script() {
  return {idleheads_attention_script_begin, idleheads_attention_script_end};
}

std::string_view embedded_attention_style() {
  return {idleheads_attention_style_begin, idleheads_attention_style_end};
}

std::string_view embedded_report_script() {
  return {idleheads_report_script_begin, idleheads_report_script_end};
}

std::string_view embedded_report_style() {
  return {idleheads_report_style_begin, idleheads_report_style_end};
}

}  // namespace idleheads
