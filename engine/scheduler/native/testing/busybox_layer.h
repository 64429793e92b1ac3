/*
 * For tests: a root file system made from Debian's static busybox.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_TESTING_BUSYBOX_LAYER_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_TESTING_BUSYBOX_LAYER_H_

/*
 * Makes the layer in `path`, an existing empty directory: busybox with links for its applets, users
 * root and worker (1000, in groups audio and video too), and the usual directories. Aborts on
 * failure.
 */
void testing_make_busybox_layer(const char *path);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_TESTING_BUSYBOX_LAYER_H_ */
