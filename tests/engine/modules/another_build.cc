// A device's module that was built with another program.
extern "C" const char* idleheads_module_build() { return "0.0.1 (elsewhere)"; }
