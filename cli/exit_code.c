#include "cli/exit_code.h"

enum gf_exit_code gf_exit_code_of(enum gf_code code) {
    switch (code) {
    case GF_OK:
        return GF_EXIT_OK;
    case GF_NOT_FOUND:
        return GF_EXIT_NOT_FOUND;
    case GF_PERMISSION_DENIED:
    case GF_UNAUTHENTICATED:
        return GF_EXIT_NOT_ALLOWED;
    case GF_UNAVAILABLE:
    case GF_DEADLINE_EXCEEDED:
        return GF_EXIT_UNREACHABLE;
    case GF_ALREADY_EXISTS:
    case GF_FAILED_PRECONDITION:
    case GF_ABORTED:
        return GF_EXIT_CONFLICT;
    case GF_CANCELLED:
        return GF_EXIT_INTERRUPTED;
    case GF_UNKNOWN:
    case GF_INVALID_ARGUMENT:
    case GF_RESOURCE_EXHAUSTED:
    case GF_OUT_OF_RANGE:
    case GF_UNIMPLEMENTED:
    case GF_INTERNAL:
    case GF_DATA_LOSS:
        break;
    }
    return GF_EXIT_FAILED;
}
