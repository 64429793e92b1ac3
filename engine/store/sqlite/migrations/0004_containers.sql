-- What is known of containers: their names at the scheduler, what they went without and used, until
-- when the root of a failed one is kept, and whether there is a log. Of most tasks all of it is zero or empty: a byte each.
ALTER TABLE task_executions ADD COLUMN peak_pid_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE task_executions ADD COLUMN disk_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE task_executions ADD COLUMN container_id TEXT NOT NULL DEFAULT '';
ALTER TABLE task_executions ADD COLUMN missing_protections INTEGER NOT NULL DEFAULT 0; -- bits of engine/core/protection.h
ALTER TABLE task_executions ADD COLUMN log_disabled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE task_executions ADD COLUMN root_expire_time INTEGER NOT NULL DEFAULT 0; -- 0 = it is not kept

ALTER TABLE task_attempts ADD COLUMN peak_pid_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE task_attempts ADD COLUMN disk_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE task_attempts ADD COLUMN container_id TEXT NOT NULL DEFAULT '';
ALTER TABLE task_attempts ADD COLUMN missing_protections INTEGER NOT NULL DEFAULT 0;
ALTER TABLE task_attempts ADD COLUMN log_disabled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE task_attempts ADD COLUMN root_expire_time INTEGER NOT NULL DEFAULT 0;
