#include "sandbox/sandbox.h"

#include "core/error.h"
