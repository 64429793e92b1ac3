/*
 * The numbers in the binary form of configs (config_codec.h), for its writer and its reader. They
 * are stored: a number is never used for something else.
 */
#ifndef GOFER_ENGINE_CORE_CONFIG_TAGS_H_
#define GOFER_ENGINE_CORE_CONFIG_TAGS_H_

enum {
    CONFIG_FORMAT = 1,
    TAGS_END = 18, /* every known tag is below */
    VARINT_BYTES_MAX = 10,
};

enum config_tag {
    CONFIG_NAME = 1,
    CONFIG_DESCRIPTION = 2,
    CONFIG_PARALLELISM = 3,
    CONFIG_TASK = 4,
    CONFIG_VARIABLE = 5,
    CONFIG_LABEL = 6,
};

enum task_tag {
    TASK_ID = 1,
    TASK_DESCRIPTION = 2,
    TASK_IMAGE = 3,
    TASK_ENTRYPOINT = 4,
    TASK_COMMAND = 5,
    TASK_VARIABLE = 6,
    TASK_PARENT = 7,
    TASK_USER = 8,
    TASK_WORKING_DIRECTORY = 9,
    TASK_TIMEOUT_MS = 10,
    TASK_CPU_MILLIS = 11,
    TASK_MEMORY_BYTES = 12,
    TASK_PIDS_COUNT = 13,
    TASK_DISK_BYTES = 14,
    TASK_NETWORK = 15,
    TASK_PULL = 16,
    TASK_LABEL = 17,
};

/* Of a label too. */
enum variable_tag {
    VARIABLE_KEY = 1,
    VARIABLE_VALUE = 2,
};

enum parent_tag {
    PARENT_TASK_ID = 1,
    PARENT_RULE = 2,
};

#endif /* GOFER_ENGINE_CORE_CONFIG_TAGS_H_ */
