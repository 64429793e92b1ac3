/* Checks of what an extension says about itself. */
#ifndef GOFER_EXTENSIONS_SDK_CONFORMANCE_DECLARATION_H_
#define GOFER_EXTENSIONS_SDK_CONFORMANCE_DECLARATION_H_

struct gf_suite;

/* Looks at the registration of the suite; the first fault fails the case. */
void gf_declaration_check(struct gf_suite *suite);

#endif /* GOFER_EXTENSIONS_SDK_CONFORMANCE_DECLARATION_H_ */
