"""SQL is taken apart outside of its quotes and brackets."""

from tests.load.replay.sql_text import inlined, split_statements


def test_semicolons_in_texts_separate_nothing() -> None:
    assert split_statements("BEGIN; INSERT INTO t VALUES ('a;''b', E'c\\';d'); COMMIT;") == [
        "BEGIN",
        "INSERT INTO t VALUES ('a;''b', E'c\\';d')",
        "COMMIT",
    ]


def test_a_prepared_statement_gets_its_values() -> None:
    prepare = "PREPARE p_1(uuid, unknown) AS SELECT * FROM t WHERE a = $1 AND b = $2::text AND c = $2"
    execute = "BEGIN; EXECUTE p_1 ('x,y', concat('(', NULL)); COMMIT"
    assert inlined(prepare, execute) == (
        "BEGIN; SELECT * FROM t WHERE a = CAST('x,y' AS uuid) AND b = (concat('(', NULL))::text"
        " AND c = (concat('(', NULL)); COMMIT"
    )


def test_a_prepared_statement_may_have_no_values() -> None:
    assert inlined("PREPARE p_2 AS SELECT 1;", "EXECUTE p_2") == "SELECT 1"
    assert inlined("no prepare", "EXECUTE p_2") == "EXECUTE p_2"
