-- Makes a table whose key is a UUIDv7 (ids that begin with their time) a table partitioned by month, without
-- copying it: the table becomes the partition of everything before a month to come. Readers and writers go on;
-- they wait for some milliseconds while the names change hands. When a lock is not free the change is tried
-- again. See docs/capacity.md, "Partitioning by time". Run it as the database's owner:
--
--     psql -f deploy/postgres/partition_by_time.sql microtasks_orders
--     CALL partition_by_time('order_history', 'order_id', '2027-02-01');
--     CALL add_partition('order_history', '2027-03-01');    -- each month, before it begins

CREATE OR REPLACE FUNCTION first_id_at(moment timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT CAST(lpad(to_hex(CAST(floor(extract(epoch FROM moment) * 1000) AS bigint)), 12, '0')
                || '70008000000000000000' AS uuid)
$$;

CREATE OR REPLACE PROCEDURE create_partition(name text, month date) LANGUAGE plpgsql AS $$
DECLARE
    since timestamptz := date_trunc('month', month) AT TIME ZONE 'UTC';
    until timestamptz := (date_trunc('month', month) + interval '1 month') AT TIME ZONE 'UTC';
BEGIN
    EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                   name || to_char(month, '_YYYY_MM'), name, first_id_at(since), first_id_at(until));
END $$;

-- The tables that it refers to before the table itself, so that nobody waits for the other in a circle.
CREATE OR REPLACE PROCEDURE lock_for_partitions(name text) LANGUAGE plpgsql AS $$
DECLARE
    other regclass;
BEGIN
    FOR other IN
        SELECT DISTINCT confrelid FROM pg_constraint WHERE conrelid = name::regclass AND contype = 'f'
    LOOP
        EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', other);
    END LOOP;
    EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', name);
END $$;

CREATE OR REPLACE PROCEDURE add_partition(name text, month date) LANGUAGE plpgsql AS $$
BEGIN
    SET lock_timeout = '500ms';
    LOOP
        BEGIN
            CALL lock_for_partitions(name);
            CALL create_partition(name, month);
            EXIT;
        EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
            RAISE NOTICE '%, trying again', SQLERRM;
        END;
        COMMIT;
        PERFORM pg_sleep(0.2);
    END LOOP;
    COMMIT;
    RESET lock_timeout;
END $$;

-- What the new table needs, written down while the old one still has its name.
CREATE OR REPLACE FUNCTION definitions_of(name text, key text)
RETURNS TABLE (kind text, label text, definition text) LANGUAGE sql AS $$
    SELECT 'constraint', conname, format('ALTER TABLE %I ADD CONSTRAINT %I %s', name, conname, pg_get_constraintdef(oid))
    FROM pg_constraint
    WHERE conrelid = name::regclass AND contype IN ('p', 'u', 'f')
      AND (contype = 'f' OR (SELECT attnum FROM pg_attribute WHERE attrelid = conrelid AND attname = key) = ANY(conkey))
    UNION ALL
    -- Unique within each partition only: such a key is random, and always asked for together with the other one.
    SELECT 'constraint', conname, format('CREATE INDEX %I ON %I %s', conname, name,
           regexp_replace(pg_get_constraintdef(oid), '^(PRIMARY KEY|UNIQUE) ', ''))
    FROM pg_constraint
    WHERE conrelid = name::regclass AND contype IN ('p', 'u')
      AND (SELECT attnum FROM pg_attribute WHERE attrelid = conrelid AND attname = key) <> ALL(conkey)
    UNION ALL
    SELECT 'index', relname, pg_get_indexdef(indexrelid)
    FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE indrelid = name::regclass AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND conrelid = indrelid)
    UNION ALL
    SELECT 'trigger', tgname, pg_get_triggerdef(oid)
    FROM pg_trigger WHERE tgrelid = name::regclass AND NOT tgisinternal
$$;

CREATE OR REPLACE PROCEDURE exchange_for_partitions(name text, key text, month date) LANGUAGE plpgsql AS $$
DECLARE
    old text := name || to_char(month, '_before_YYYY_MM');
    owner text := (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = name::regclass);
    meaning text := obj_description(name::regclass);
    part record;
BEGIN
    CALL lock_for_partitions(name);
    CREATE TEMPORARY TABLE parts_to_make ON COMMIT DROP AS SELECT * FROM definitions_of(name, key);
    EXECUTE format('ALTER TABLE %I RENAME TO %I', name, old);
    FOR part IN SELECT * FROM parts_to_make WHERE kind = 'index' OR (kind = 'constraint' AND definition !~ 'FOREIGN KEY') LOOP
        EXECUTE format('ALTER INDEX %I RENAME TO %I', part.label, part.label || to_char(month, '_before_YYYY_MM'));
    END LOOP;
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING COMMENTS)'
                   ' PARTITION BY RANGE (%I)', name, old, key);
    EXECUTE format('ALTER TABLE %I DROP CONSTRAINT before_month', name);
    EXECUTE format('ALTER TABLE %I OWNER TO %I', name, owner);
    EXECUTE format('COMMENT ON TABLE %I IS %L', name, meaning);
    FOR part IN SELECT * FROM parts_to_make LOOP
        EXECUTE part.definition;
    END LOOP;
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (MINVALUE) TO (%L)',
                   name, old, first_id_at(date_trunc('month', month) AT TIME ZONE 'UTC'));
    EXECUTE format('ALTER TABLE %I DROP CONSTRAINT before_month', old);
    CALL create_partition(name, month);
    EXECUTE format('CREATE TABLE %I PARTITION OF %I DEFAULT', name || '_default', name);
    DROP TABLE parts_to_make;
END $$;

CREATE OR REPLACE PROCEDURE partition_by_time(name text, key text, month date) LANGUAGE plpgsql AS $$
DECLARE
    bound uuid := first_id_at(date_trunc('month', month) AT TIME ZONE 'UTC');
BEGIN
    IF bound <= first_id_at(clock_timestamp() + interval '1 hour') THEN
        RAISE EXCEPTION 'the month must lie in the future';
    END IF;
    SET lock_timeout = '500ms';
    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = name::regclass AND conname = 'before_month') THEN
        EXECUTE format('ALTER TABLE %I ADD CONSTRAINT before_month CHECK (%I < %L) NOT VALID', name, key, bound);
        COMMIT;
    END IF;
    EXECUTE format('ALTER TABLE %I VALIDATE CONSTRAINT before_month', name); -- reads all, blocks nobody
    COMMIT;
    LOOP
        BEGIN
            CALL exchange_for_partitions(name, key, month);
            EXIT;
        EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
            RAISE NOTICE '%, trying again', SQLERRM;
        END;
        COMMIT;
        PERFORM pg_sleep(0.2);
    END LOOP;
    COMMIT;
    RESET lock_timeout;
END $$;
