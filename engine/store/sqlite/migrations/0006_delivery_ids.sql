-- The ids under which deliveries came in, which outlive them.

-- The table and two of its indexes grow at their ends; only the first is written all over.
CREATE TABLE delivery_ids (
    delivery_key  INTEGER PRIMARY KEY,
    extension_key INTEGER NOT NULL,
    id            TEXT    NOT NULL,
    number        INTEGER NOT NULL,
    create_time   INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX delivery_ids_id ON delivery_ids (extension_key, id);
CREATE INDEX delivery_ids_number ON delivery_ids (extension_key, number);
CREATE INDEX delivery_ids_create ON delivery_ids (create_time);
